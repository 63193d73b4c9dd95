package structured

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/natgrad/natgrad/internal/special"
	"github.com/natgrad/natgrad/internal/wire"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/mat"
)

// TestLogisticRegression fits a posterior with every structure by the defaults of
// vi.Fit: by quadrature, and by draws with gradients alone.
func TestLogisticRegression(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	x, y := classes(rng, 60, 6)
	target := logistic(x, y, 1)
	target.Hess = nil
	linear := logisticPredictors(x, y, 1)
	elbo := map[string]float64{}
	for _, name := range shapes {
		for _, scale := range []float64{0.3, 10} {
			f := shape(t, name)
			if err := f.Scale(scale); err != nil {
				t.Fatal(err)
			}
			exact := mustNew(t, make([]float64, 6), f)
			r, err := vi.Fit(context.Background(), exact, linear, &vi.Settings{Workers: 1})
			if err != nil || r.Status != vi.Converged || r.Method != vi.Quadrature {
				t.Fatalf("%s from %v: %v, %v", name, scale, r, err)
			}
			if prev, ok := elbo[name]; ok {
				near(t, name+": ELBO from another start", []float64{r.ELBO}, []float64{prev}, 1e-7)
				continue
			}
			elbo[name] = r.ELBO
			// Full covariances are right here, the others in part.
			if r.Grade() == vi.Bad || (name == "full" || name == "chol") && r.Grade() != vi.Good {
				t.Errorf("%s: %s", name, r)
			}
			q := mustNew(t, make([]float64, 6), f)
			d, err := vi.Fit(context.Background(), q, target, nil)
			if err != nil || d.Status != vi.Converged || d.Method != vi.Draws {
				t.Fatalf("%s by draws: %v, %v", name, d, err)
			}
			if math.Abs(d.KHat-r.KHat) > 0.3 {
				t.Errorf("%s: verdict by draws %s, by quadrature %s", name, d, r)
			}
			// Both ELBOs from the same pass over the data, without Monte Carlo noise.
			at, err := vi.Judge(q, linear, &vi.Settings{Diagnostics: -1})
			if err != nil || !(at.ELBO > r.ELBO-0.1) {
				t.Errorf("%s: ELBO of the fit by draws is %.4f, the best %.4f (%v)", name, at.ELBO, r.ELBO, err)
			}
		}
	}
	for name, e := range elbo {
		if e > elbo["full"]+1e-7 || math.Abs(elbo["full"]-elbo["chol"]) > 1e-6 {
			t.Errorf("ELBO of %s is %.6f, of full %.6f, of chol %.6f", name, e, elbo["full"], elbo["chol"])
		}
	}
	if !(elbo["up_2"] > elbo["diag"] && elbo["low_2"] > elbo["diag"]) {
		t.Errorf("low rank does not beat the diagonal: %v", elbo)
	}
}

// TestOtherMethods fits by Newton-like steps, whose fixed point is the Laplace
// approximation, and by values of the log density alone.
func TestOtherMethods(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 1))
	x, y := classes(rng, 30, 2)
	target := logistic(x, y, 1)
	q := mustNew(t, make([]float64, 2), root(t, "chol", 2))
	r, err := vi.Fit(context.Background(), q, target, &vi.Settings{Method: vi.Laplace, Tol: 1e-12})
	if err != nil || r.Status != vi.Converged {
		t.Fatalf("Laplace: %v, %v", r, err)
	}
	if _, err = vi.Fit(context.Background(), q, target, &vi.Settings{Method: vi.Laplace, Plain: true, Rate: vi.Constant(0.5), Iterations: 100}); err != nil {
		t.Fatal(err)
	}
	h, g := mat.NewSymDense(2, nil), make([]float64, 2)
	target.Hess(h, g, q.Mean(nil))
	h.ScaleSym(-1, h)
	near(t, "Laplace: gradient at the mean", g, []float64{0, 0}, 1e-12)
	near(t, "Laplace: precision", mat.DenseCopyOf(q.Precision(nil, nil)).RawMatrix().Data, mat.DenseCopyOf(h).RawMatrix().Data, 1e-10)

	best, err := vi.Fit(context.Background(), q, target, &vi.Settings{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	values := &vi.Target{Dim: 2, LogProb: target.LogProb}
	free := mustNew(t, make([]float64, 2), root(t, "chol", 2))
	r, err = vi.Fit(context.Background(), free, values, &vi.Settings{Method: vi.GradientFree, Draws: 32, Seed: 1})
	if err != nil || r.Status != vi.Converged || math.Abs(r.ELBO-best.ELBO) > 0.05 {
		t.Errorf("gradient-free: %v, %v; with gradients %v", r, err, best)
	}
}

// TestMomentumResume stops a run with momentum and goes on from its bytes.
func TestMomentumResume(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 1))
	x, y := classes(rng, 20, 6)
	target := logistic(x, y, 1)
	target.Hess = nil
	for _, plain := range []bool{true, false} {
		s := vi.Settings{Seed: 3, Draws: 4, Iterations: 150, Diagnostics: -1}
		if plain {
			s.Plain, s.Rate = true, vi.Constant(0.05)
		}
		for _, name := range shapes {
			q := mustNew(t, make([]float64, 6), shape(t, name))
			if err := errors.Join(q.SetMomentum(0.6), q.SetMeanRate(1.5)); err != nil {
				t.Fatal(err)
			}
			e, err := vi.New(q, target, &s)
			if err != nil {
				t.Fatal(err)
			}
			advance(t, e, 20)
			state, err := e.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			again := mustNew(t, make([]float64, 6), shape(t, name))
			e2, err := vi.Resume(again, target, &s, state)
			if err != nil {
				t.Fatal(err)
			}
			advance(t, e, 90)
			advance(t, e2, 90)
			if !slices.Equal(q.Natural(nil), again.Natural(nil)) || !slices.Equal(q.mom, again.mom) {
				t.Errorf("%s, plain %t: a resumed run goes elsewhere", name, plain)
			}
		}
	}
}

// TestMomentumHelps compares plain steps with and without momentum, at a rate that
// is small for the problem.
func TestMomentumHelps(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 1))
	target := predictors(t, precise(rng, 6), normals(rng, 6, 1))
	var elbo [2]float64
	for k, alpha := range []float64{0, 0.7} {
		q := mustNew(t, make([]float64, 6), root(t, "up_2", 6))
		if err := q.SetMomentum(alpha); err != nil {
			t.Fatal(err)
		}
		elbo[k] = advance(t, newRun(t, q, target, vi.Settings{}, 0.05), 30).ELBO
	}
	if !(elbo[1] > elbo[0]) {
		t.Errorf("ELBO after 30 steps is %v without and %v with momentum", elbo[0], elbo[1])
	}
	// The default run searches along its steps and still converges.
	q := mustNew(t, make([]float64, 6), root(t, "up_2", 6))
	if err := q.SetMomentum(0.7); err != nil {
		t.Fatal(err)
	}
	r, err := vi.Fit(context.Background(), q, target, &vi.Settings{Diagnostics: -1})
	if err != nil || r.Status != vi.Converged {
		t.Errorf("defaults with momentum: %v, %v", r, err)
	}
}

// TestMarshal restores every structure, into a receiver of another one.
func TestMarshal(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 1))
	for _, name := range shapes {
		q := random(t, name, rng)
		if err := errors.Join(q.SetMomentum(0.5), q.SetMeanRate(0.1)); err != nil {
			t.Fatal(err)
		}
		if _, err := q.Retract(direction(q, rng), 0.1); err != nil {
			t.Fatal(err)
		}
		b, err := q.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		other := random(t, "tritoep", rng)
		if err := other.UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
		x := normals(rng, 6, 1)
		b2, _ := other.MarshalBinary()
		if other.Name() != q.Name() || !slices.Equal(b, b2) || other.LogProb(x) != q.LogProb(x) {
			t.Errorf("%s: the restored Gaussian is another one", name)
		}
		if !slices.Equal(other.Clone().mom, q.mom) {
			t.Errorf("%s: a clone has other momentum", name)
		}
	}
	var zero Gaussian
	if _, err := zero.MarshalBinary(); err == nil {
		t.Error("the zero value has bytes")
	}
}

// TestRootNames parses what factors are called, and refuses what would not fit.
func TestRootNames(t *testing.T) {
	for _, c := range []struct {
		name string
		p    int
		ok   bool
	}{
		{"up(3)", 6, true}, {"kronecker(2: dense, 3: kronecker(1: diagonal, 3: heisenberg-up(1,1)))", 6, true},
		{"up(7)", 6, false}, {"up(-1)", 6, false}, {"up(1,1)", 6, false}, {"up", 6, false}, {"diagonal(2)", 6, false}, {"", 6, false},
		{"heisenberg-low(4,4)", 6, false}, {"dense", 0, false}, {"dense", 1 << 40, false}, {"up(1000)", 100_000, false}, {"diagonal", math.MinInt, false},
		{"kronecker(2: dense, 2: dense)", 6, false}, {"kronecker(2: dense 3: dense)", 6, false}, {"kronecker(-2: dense, -3: dense)", 6, false},
		{"kronecker(1: kronecker(", 1, false},
	} {
		build, err := parseRoot(c.name, c.p, 100)
		if err == nil {
			var f Factor
			if f, err = build(); err == nil && (f.Name() != c.name || f.Dim() != c.p) {
				t.Errorf("%q of dimension %d is read as %q of dimension %d", c.name, c.p, f.Name(), f.Dim())
			}
		}
		if (err == nil) != c.ok {
			t.Errorf("%q of dimension %d: error %v", c.name, c.p, err)
		}
	}
}

// foreign is a root of a type that this package cannot read back.
type foreign struct{ Factor }

func (f foreign) Name() string  { return "foreign" }
func (f foreign) Clone() Factor { return foreign{f.Factor.Clone()} }

// TestMarshalRefuses writes no bytes that UnmarshalBinary would refuse.
func TestMarshalRefuses(t *testing.T) {
	two, deep := root(t, "diag", 2), root(t, "diag", 2)
	for range maxNesting + 1 {
		var err error
		if deep, err = Kronecker(deep, two); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []Factor{foreign{two}, deep} {
		q, err := New(make([]float64, f.Dim()), f)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := q.MarshalBinary(); err == nil {
			t.Errorf("a Gaussian with root %s is written", f.Name())
		}
	}
	if _, err := newTestWishart(t, 5, foreign{two}).MarshalBinary(); err == nil {
		t.Error("a Wishart with a foreign root is written")
	}
}

// FuzzUnmarshal feeds damaged states with a right checksum.
func FuzzUnmarshal(f *testing.F) {
	q, err := Up(4, 2)
	if err != nil {
		f.Fatal(err)
	}
	g := mustNew(f, make([]float64, 4), q)
	w, err := NewWishart(6, q)
	if err != nil {
		f.Fatal(err)
	}
	s, err := NewSPD(unitMatrix(3))
	if err != nil {
		f.Fatal(err)
	}
	for _, v := range []vi.Posterior{g, w, s} {
		b, err := v.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	bomb := wire.NewWriter(wishartMagic, wishartVersion)
	bomb.Float(0)
	bomb.Int(1 << 30)
	bomb.Bytes([]byte("dense"))
	bomb.Floats(make([]float64, 8))
	f.Add(bomb.Finish())
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 4 {
			b = slices.Clone(b)
			binary.LittleEndian.PutUint32(b[len(b)-4:], crc32.ChecksumIEEE(b[:len(b)-4]))
		}
		for _, v := range []vi.Posterior{new(Gaussian), new(Wishart), new(SPD)} {
			if v.UnmarshalBinary(b) != nil {
				continue
			}
			again, err := v.MarshalBinary()
			if err != nil || !slices.Equal(again, b) {
				t.Errorf("%T: bytes change on the way through: %v", v, err)
			}
		}
	})
}

// wide is a simple target in many dimensions: independent normals.
func wide(p int) *vi.Target {
	return &vi.Target{
		Dim:     p,
		LogProb: func(x []float64) float64 { return -0.5 * dot(x, x) },
		Grad: func(dst, x []float64) float64 {
			for i, v := range x {
				dst[i] = -v
			}
			return -0.5 * dot(x, x)
		},
	}
}

// wideRun is a plain run on it with two draws a step that has warmed up.
func wideRun(t testing.TB, p int) *vi.Engine {
	t.Helper()
	f, err := Up(p, 10)
	if err != nil {
		t.Fatal(err)
	}
	e, err := vi.New(mustNew(t, make([]float64, p), f), wide(p), &vi.Settings{
		Plain: true, Rate: vi.Constant(1e-6), Draws: 2, Iterations: 1 << 30, Workers: 1, Diagnostics: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := e.Step(); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// TestStepAllocs holds a step of the engine to zero allocations; the trace that the
// engine keeps grows by doubling, outside of the counted runs.
func TestStepAllocs(t *testing.T) {
	e := wideRun(t, 2000)
	if n := testing.AllocsPerRun(50, func() {
		if _, err := e.Step(); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("a step allocates %v times", n)
	}
	rng := rand.New(rand.NewPCG(12, 1))
	for _, name := range shapes {
		q := random(t, name, rng)
		if err := q.SetMomentum(0.5); err != nil {
			t.Fatal(err)
		}
		tan, x := direction(q, rng), normals(rng, 6, 1)
		dst := make([]float64, q.NumParams())
		if n := testing.AllocsPerRun(20, func() {
			q.Sample(x, rng)
			q.LogProb(x)
			q.ScoreTangent(dst, x, 1)
			q.FisherMul(dst, dst)
			q.CovColumn(x, 2)
			if _, err := q.Retract(tan, 1e-3); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// BenchmarkStep is one step of the engine, two draws and an Up(10) root, beside a
// copy of as many numbers as the posterior has.
func BenchmarkStep(b *testing.B) {
	for _, p := range []int{1_000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(p), func(b *testing.B) {
			e := wideRun(b, p)
			n := e.Posterior().NumParams()
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				if _, err := e.Step(); err != nil {
					b.Fatal(err)
				}
			}
			step := float64(b.Elapsed().Nanoseconds()) / float64(b.N)
			b.StopTimer()
			src, dst := make([]float64, n), make([]float64, n)
			e.Posterior().Natural(src) // pages that are never written are not read from memory
			one := math.Inf(1)
			for range 10 {
				start := time.Now()
				copy(dst, src)
				one = math.Min(one, float64(time.Since(start).Nanoseconds()))
			}
			b.ReportMetric(step/float64(n), "ns/param")
			b.ReportMetric(step/one, "copies")
		})
	}
}

// logisticPredictors is logistic as functions of linear predictors.
func logisticPredictors(x [][]float64, y []float64, prior float64) *vi.Target {
	p := len(x[0])
	likelihood := func(lo int, eta, aux []float64, d *vi.Derivs) {
		for i, e := range eta {
			s := special.Sigmoid(e)
			if d.F != nil {
				d.F[i] = y[lo+i]*e - special.Log1pExp(e)
			}
			if d.E != nil {
				d.E[i] = y[lo+i] - s
			}
			if d.EE != nil {
				d.EE[i] = -s * (1 - s)
			}
		}
	}
	normal := func(lo int, eta, aux []float64, d *vi.Derivs) {
		for i, e := range eta {
			if d.F != nil {
				d.F[i] = -0.5 * prior * e * e
			}
			if d.E != nil {
				d.E[i] = -prior * e
			}
			if d.EE != nil {
				d.EE[i] = -prior
			}
		}
	}
	return &vi.Target{Dim: p, Linear: &vi.Linear{Terms: []vi.Term{
		{Name: "y", X: dense(x).RawMatrix(), Eval: likelihood},
		{Name: "prior", Prior: true, X: identity(p).RawMatrix(), Degree: 2, Eval: normal},
	}}}
}
