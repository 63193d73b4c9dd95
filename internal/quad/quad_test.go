package quad

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/internal/la"
)

// E[Z^p] = (p−1)!! for even p ≤ 2k−1, 0 for odd ones.
func TestRuleMoments(t *testing.T) {
	for _, k := range []int{1, 2, 3, 4, 7, 10, 20, 33, 64, 200} {
		n := Rule(k)
		if len(n.Z) != k || len(n.W) != k {
			t.Fatalf("rule %d has %d nodes", k, len(n.Z))
		}
		want := 1.0
		for p := 0; p <= min(2*k-1, 40); p++ {
			got, size := 0.0, 0.0
			for j, z := range n.Z {
				v := n.W[j] * math.Pow(z, float64(p))
				got += v
				size += math.Abs(v)
			}
			w := 0.0
			if p%2 == 0 {
				if p > 0 {
					want *= float64(p - 1)
				}
				w = want
			}
			if math.Abs(got-w) > 2e-13*max(size, 1e-300) {
				t.Errorf("rule %d: E[Z^%d] = %v, want %v", k, p, got, w)
			}
		}
	}
}

func TestRuleShape(t *testing.T) {
	rules := []*Nodes{Rule(1), Rule(2), Rule(21), Rule(200)}
	for s := 1e-6; s < 2000; s *= 1.7 {
		rules = append(rules, ForSpread(s))
	}
	for _, n := range rules {
		k, sum := len(n.Z), 0.0
		for j := range n.Z {
			sum += n.W[j]
			if n.Z[j] != -n.Z[k-1-j] || n.W[j] != n.W[k-1-j] || !(n.W[j] > 0) || j > 0 && !(n.Z[j] > n.Z[j-1]) {
				t.Fatalf("rule of %d nodes: node %d is (%v, %v)", k, j, n.Z[j], n.W[j])
			}
		}
		if math.Abs(sum-1) > 1e-13 {
			t.Errorf("rule of %d nodes: weights sum to %v", k, sum)
		}
	}
	if r, s := Rule(5), ForSpread(7); r != Rule(5) || s != ForSpread(7) {
		t.Error("rules are not kept")
	}
	for _, k := range []int{0, MaxRule + 1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Rule(%d) did not panic", k)
				}
			}()
			Rule(k)
		}()
	}
}

// dense is a trapezoid rule on [−13, 13] with a step well below what spread s
// needs: its error on the sigmoid's derivatives is near exp(−2π²/0.35).
func dense(s float64) *Nodes {
	m := int(math.Ceil(13 * max(6, s/0.35)))
	n := &Nodes{Z: make([]float64, 2*m+1), W: make([]float64, 2*m+1)}
	for j := range n.Z {
		z := 13 * float64(j-m) / float64(m)
		n.Z[j], n.W[j] = z, math.Exp(-z*z/2)
	}
	n.finish()
	return n
}

type expectations struct{ eta, sig, soft []float64 }

// of returns E[f], E[f′], E[f″] for f = log(1+e^x) at m + s·Z.
func (e *expectations) of(n *Nodes, m, s float64) (v [3]float64) {
	k := len(n.Z)
	if cap(e.eta) < k {
		e.eta, e.sig, e.soft = make([]float64, k), make([]float64, k), make([]float64, k)
	}
	eta, sig, soft := e.eta[:k], e.sig[:k], e.soft[:k]
	for j, z := range n.Z {
		eta[j] = m + s*z
	}
	la.Logistic(sig, soft, eta)
	for j, w := range n.W {
		v[0] += w * soft[j]
		v[1] += w * sig[j]
		v[2] += w * sig[j] * (1 - sig[j])
	}
	return v
}

// The promise of ForSpread at every threshold of its tables, where it is
// tightest, at both sides of the change of method, and at random spreads.
func TestForSpreadAccuracy(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	spreads := append([]float64{0, 1e-9}, hermiteSpread[:]...)
	for i, s := range trapezoidSpread {
		if i < 25 || i%8 == 0 {
			spreads = append(spreads, min(s, MaxSpread))
		}
	}
	for range 20 {
		spreads = append(spreads, math.Exp(-5+7*rng.Float64()))
	}
	spreads = append(spreads, 0.9341, MaxSpread)
	var e expectations
	for _, s := range spreads {
		rule, ref := ForSpread(s), dense(s)
		means := 80
		if s > 20 {
			means = 6
		}
		worst := 0.0
		for i := range means {
			m := 0.0
			if i > 0 {
				u := rng.Float64()
				m = (12 + 4*s) * u * u
			}
			got, want := e.of(rule, m, s), e.of(ref, m, s)
			for d := range got {
				worst = max(worst, math.Abs(got[d]-want[d])/max(1, s))
			}
		}
		if !(worst <= 1e-10) {
			t.Errorf("spread %.4g, %d nodes: error %.3g, want ≤ 1e-10", s, len(rule.Z), worst)
		}
		if s <= 3 {
			v := 0.0
			for j, z := range rule.Z {
				v += rule.W[j] * math.Exp(s*z-s*s/2)
			}
			if math.Abs(v-1) > 1e-9 {
				t.Errorf("spread %.4g, %d nodes: E[exp] is off by %.3g relative, want ≤ 1e-9", s, len(rule.Z), v-1)
			}
		}
	}
}

// The means are not what makes the errors small: from −40 to 40 at a fine grid
// for a few spreads, which also shows that the tables are not far too cautious.
func TestForSpreadAllMeans(t *testing.T) {
	var e expectations
	for _, c := range []struct {
		s     float64
		nodes int // at most
	}{{0.01, 3}, {0.05, 4}, {0.1, 4}, {0.3, 7}, {0.934, 22}, {1.5, 39}, {4, 110}} {
		rule, ref := ForSpread(c.s), dense(c.s)
		if len(rule.Z) > c.nodes {
			t.Errorf("spread %v takes %d nodes, want at most %d", c.s, len(rule.Z), c.nodes)
		}
		for m := -40.0; m <= 40; m += 0.21 {
			got, want := e.of(rule, m, c.s), e.of(ref, m, c.s)
			for d := range got {
				if err := math.Abs(got[d] - want[d]); !(err <= 1e-10*max(1, c.s)) {
					t.Fatalf("spread %v, mean %v, derivative %d: error %.3g", c.s, m, d, err)
				}
			}
		}
	}
}

func TestForSpreadEdges(t *testing.T) {
	prev := 0
	for s := 1e-6; s < 1500; s *= 1.05 {
		n := len(ForSpread(s).Z)
		if n < prev {
			t.Errorf("spread %v takes %d nodes, a smaller one %d", s, n, prev)
		}
		prev = n
	}
	if n := len(ForSpread(math.NaN()).Z); n != 1 {
		t.Errorf("NaN takes %d nodes", n)
	}
	if ForSpread(0) != Rule(1) || ForSpread(math.Inf(1)) != ForSpread(1e9) || ForSpread(1e9) != trapezoid(trapezoids-1) {
		t.Error("spreads outside the tables")
	}
	if trapezoidSpread[trapezoids-1] < MaxSpread {
		t.Errorf("the tables end at spread %v", trapezoidSpread[trapezoids-1])
	}
	if n := testing.AllocsPerRun(10, func() { ForSpread(0.3); ForSpread(5) }); n != 0 {
		t.Errorf("%v allocations once rules are kept", n)
	}
}

func BenchmarkForSpread(b *testing.B) {
	for b.Loop() {
		for s := 0.01; s < 2; s *= 2 {
			ForSpread(s)
		}
	}
}
