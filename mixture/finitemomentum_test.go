package mixture

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/vi"
	"github.com/natgrad/natgrad/vi/targets"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// With the plain step, momentum in natural coordinates is that of the public code,
// here with dense matrices: S gets (1 − d)(S_i − S_i−1), and Sμ at the new S gets (1 −
// d) S_i−1(μ_i − μ_i−1).
func TestMomentumIsThatOfThePaper(t *testing.T) {
	const beta, rho, weightRate = 0.7, 0.1, 0.3
	type normal struct{ s, mu *mat.Dense }
	at := func(q Component) normal {
		n := q.(*expfam.Normal)
		return normal{mat.DenseCopyOf(n.Precision(nil)), mat.NewDense(2, 1, n.Mean(nil))}
	}
	for _, rule := range []Rule{OwnRule, BLR} {
		m := mogNew(t, Options{Rule: rule, WeightRate: weightRate, Momentum: beta}, []float64{0.3, 0.7}, mogNormal(t, []float64{0.3, -1}, 2, 0.5, 0.5, 1), mogNormal(t, []float64{1, 2}, 1, 0, 0, 3))
		rng := rand.New(rand.NewPCG(8, 8))
		var prev [2]normal
		odds, prevOdds := math.Log(0.3/0.7), 0.0
		for i := 1; i <= 12; i++ {
			d := (1 - beta) / (1 - math.Pow(beta, float64(i)))
			lr, keep := rho*d, 1-d
			tan := make([]float64, m.NumParams())
			tan[0] = rng.NormFloat64()
			step := lr * weightRate * tan[0]
			if i > 1 {
				step += keep * (odds - prevOdds)
			}
			odds, prevOdds = odds+step, odds
			var want [2]normal
			for c := range want {
				now := at(m.Component(c))
				g := mat.NewDense(2, 1, []float64{rng.NormFloat64(), rng.NormFloat64()})
				a, b, e := rng.NormFloat64()/3, rng.NormFloat64()/3, rng.NormFloat64()/3
				big := mat.NewDense(2, 2, []float64{a, b, b, e})
				part := m.Params(tan, c)
				part[0] = g.At(0, 0) - 2*(a*now.mu.At(0, 0)+b*now.mu.At(1, 0))
				part[1] = g.At(1, 0) - 2*(b*now.mu.At(0, 0)+e*now.mu.At(1, 0))
				part[2], part[3], part[4] = a, math.Sqrt2*b, e
				var s, rhs, move mat.Dense
				s.Scale(-2*lr, big)
				s.Add(&s, now.s)
				g.Scale(lr, g)
				if i > 1 {
					move.Sub(now.s, prev[c].s)
					move.Scale(keep, &move)
					s.Add(&s, &move)
					var dmu mat.Dense
					dmu.Sub(now.mu, prev[c].mu)
					dmu.Mul(prev[c].s, &dmu)
					dmu.Scale(keep, &dmu)
					g.Add(g, &dmu)
				}
				rhs.Mul(&s, now.mu)
				rhs.Add(&rhs, g)
				var mu mat.Dense
				if err := mu.Solve(&s, &rhs); err != nil {
					t.Fatal(err)
				}
				want[c], prev[c] = normal{&s, &mu}, now
			}
			if cond, err := m.Retract(tan, rho); err != nil || cond != 0 {
				t.Fatal(cond, err)
			}
			for c, w := range want {
				if got := at(m.Component(c)); !mat.EqualApprox(got.s, w.s, 1e-10) || !mat.EqualApprox(got.mu, w.mu, 1e-10) {
					t.Fatalf("%v, step %d, component %d: %v, want %v", rule, i, c, got, w)
				}
			}
			if math.Abs(m.logOdds[0]-odds) > 1e-12 {
				t.Fatalf("%v, step %d: log-odds %v, want %v", rule, i, m.logOdds[0], odds)
			}
		}
	}
}

// A move that would leave the domain is cut, never the state; SetNatural forgets it.
func TestMomentumStaysProper(t *testing.T) {
	for _, rule := range []Rule{OwnRule, IBLR, BLR} {
		m := mogNew(t, Options{Rule: rule, Momentum: 0.9}, nil, mogNormal(t, []float64{0}, 1), mogNormal(t, []float64{1}, 1))
		fresh := mogNew(t, Options{Rule: rule, Momentum: 0.9}, nil, mogNormal(t, []float64{0}, 1), mogNormal(t, []float64{1}, 1))
		wider := []float64{0.1, 0, 0.7, 0, 0.7} // S ← S − 1.4ρ, a second time below 0
		for range 2 {
			cond, err := m.Retract(wider, 0.5)
			if err != nil {
				t.Fatal(err)
			}
			for c := range 2 {
				if s := m.Component(c).(*expfam.Normal).Precision(nil).At(0, 0); !(s > 0) {
					t.Fatalf("%v: precision %v (%v)", rule, s, cond)
				}
			}
		}
		still := make([]float64, 5)
		m = mogNew(t, Options{Rule: rule, Momentum: 0.9}, nil, mogNormal(t, []float64{0}, 1), mogNormal(t, []float64{1}, 1))
		if _, err := m.Retract(wider, 0.5); err != nil {
			t.Fatal(err)
		}
		cond, err := m.Retract(still, 0.5) // 0.3 − 0.47·0.7 < 0
		if err != nil || cond&expfam.Shortened == 0 && rule != IBLR {
			t.Errorf("%v: condition %v, %v; want the move cut", rule, cond, err)
		}
		here := m.Natural(nil)
		if err := m.SetNatural(here); err != nil {
			t.Fatal(err)
		}
		if err := fresh.SetNatural(here); err != nil {
			t.Fatal(err)
		}
		tan := []float64{0.2, 0.1, -0.1, 0.3, -0.2}
		for _, q := range []*Mixture{m, fresh} {
			q.steps = 0
			if _, err := q.Retract(tan, 0.1); err != nil {
				t.Fatal(err)
			}
		}
		if !floats.Equal(m.Natural(nil), fresh.Natural(nil)) {
			t.Errorf("%v: SetNatural left momentum: %v, want %v", rule, m.Natural(nil), fresh.Natural(nil))
		}
	}
}

func TestMomentumErrors(t *testing.T) {
	m := mogNew(t, Options{}, nil, mogNormal(t, []float64{0}, 1), mogNormal(t, []float64{1}, 1))
	for _, o := range []Options{{Momentum: 1}, {Momentum: -0.1}, {Momentum: math.NaN()}, {Momentum: 0.5, Rule: Adam}} {
		var e *expfam.DomainError
		if err := m.SetOptions(o); !errors.As(err, &e) || m.Options() != (Options{}) {
			t.Errorf("%+v: error %v, options %+v", o, err, m.Options())
		}
	}
	if err := m.SetOptions(Options{Momentum: 0.5}); err != nil {
		t.Fatal(err)
	}
	tan := []float64{0.2, 0.1, -0.1, 0.3, -0.2}
	for range 3 {
		if _, err := m.Retract(tan, 0.1); err != nil {
			t.Fatal(err)
		}
	}
	before, err := m.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for i := range tan {
		if err := m.UnmarshalBinary(before); err != nil {
			t.Fatal(err)
		}
		bad := append([]float64(nil), tan...)
		bad[i] = 1e308 // finite, but not what it leads to
		if _, err := m.Retract(bad, 10); err == nil {
			continue // a step that was cut
		}
		failed++
		if after, _ := m.MarshalBinary(); !bytes.Equal(after, before) {
			t.Errorf("tan[%d]: an error moved the state or its momentum", i)
		}
	}
	if failed < 2 {
		t.Errorf("%d of the steps failed, want those of the two precisions", failed)
	}
}

// Options are in the bytes: a run goes on as it began, whatever the receiver was told.
func TestMixtureBytesHoldOptions(t *testing.T) {
	want := Options{Rule: IBLR, WeightRate: 0.1, NoBaseline: true, EntropyPull: 2, Backtrack: 0.7, HessEntropy: true, Reseed: true, Momentum: 0.4}
	comps := func() []Component { return []Component{mogNormal(t, []float64{0}, 1), mogNormal(t, []float64{1}, 1)} }
	m := mogNew(t, want, nil, comps()...)
	b, err := m.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	other := mogNew(t, Options{}, nil, comps()...)
	if err := other.UnmarshalBinary(b); err != nil || other.Options() != want {
		t.Errorf("%v, options %+v, want %+v", err, other.Options(), want)
	}
	gamma := func() Component {
		g, err := expfam.NewGamma(2, 1)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	gammas := mogNew(t, Options{}, nil, gamma(), gamma())
	if err := gammas.UnmarshalBinary(b); err == nil || gammas.Options() != (Options{}) {
		t.Errorf("gammas took options of normals: %v", err)
	}
}

// The estimator of a resumed run follows the options that its bytes bring.
func TestMixtureResumeExactEntropy(t *testing.T) {
	s := &vi.Settings{Seed: 2, Iterations: 40, Plain: true, Rate: vi.Constant(0.1), Diagnostics: -1}
	states := make([][]byte, 2)
	for i := range states {
		q := mogNew(t, Options{ExactEntropy: true}, nil, wide(t, 2))
		e, err := vi.New(q, bimodal(), s)
		if err != nil {
			t.Fatal(err)
		}
		for e.Status() == vi.Running {
			if _, err := e.Step(); err != nil {
				t.Fatal(err)
			}
			if i == 1 && e.Iterations() == 20 {
				b, err := e.MarshalBinary()
				if err != nil {
					t.Fatal(err)
				}
				if e, err = vi.Resume(mogNew(t, Options{}, nil, wide(t, 1)), bimodal(), s, b); err != nil {
					t.Fatal(err)
				}
			}
		}
		if states[i], err = e.MarshalBinary(); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(states[0], states[1]) {
		t.Error("the resumed run ends elsewhere")
	}
}

// Plain steps with momentum reach the two modes.
func TestMomentumFits(t *testing.T) {
	target := bimodal()
	grid := targets.NewGrid(target, [2]float64{-9, -6}, [2]float64{9, 7}, 200)
	m := Split(wide(t, 3), 2, rand.New(rand.NewPCG(1, 1)))
	if err := m.SetOptions(Options{Momentum: 0.8}); err != nil {
		t.Fatal(err)
	}
	if _, err := vi.Fit(context.Background(), m, target, &vi.Settings{Seed: 1, Plain: true, Rate: vi.Constant(0.05), Iterations: 800, Draws: 32}); err != nil {
		t.Fatal(err)
	}
	if kl, _ := grid.KL(m.LogProb); kl > 0.03 {
		t.Errorf("KL is %v after plain steps with momentum", kl)
	}
}
