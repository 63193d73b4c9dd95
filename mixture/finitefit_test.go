package mixture

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"sort"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/vi"
	"github.com/natgrad/natgrad/vi/targets"
	"gonum.org/v1/gonum/mat"
)

var (
	_ vi.Tangenter   = (*Mixture)(nil)
	_ vi.StepSampler = (*Mixture)(nil)
	_ vi.Pacer       = (*Mixture)(nil)
)

// wide returns N(0, sd²I) in two dimensions.
func wide(t testing.TB, sd float64) *expfam.Normal {
	p := 1 / (sd * sd)
	return mogNormal(t, []float64{0, 0}, p, 0, 0, p)
}

func bimodal() *vi.Target {
	return targets.MixtureOfNormals([]float64{math.Log(0.3), math.Log(0.7)}, [][]float64{{-3, 0}, {3, 1}},
		[]*mat.SymDense{mat.NewSymDense(2, []float64{1, 0.5, 0.5, 2}), mat.NewSymDense(2, []float64{1, 0, 0, 4})})
}

// TestMixtureFits fits targets that a normal gets wrong with nothing but defaults and
// compares the median KL(q‖p) of the seeds, by integration over a grid. The limits
// are about twice what five seeds showed.
func TestMixtureFits(t *testing.T) {
	banana := targets.DoubleBanana(math.Log(30), 1, 0.09)
	for _, c := range []struct {
		name   string
		target *vi.Target
		k      int
		sd     float64
		lo, hi [2]float64
		kl     float64
		grade  vi.Grade // at worst, of the median seed
	}{
		{"two modes", bimodal(), 2, 3, [2]float64{-9, -6}, [2]float64{9, 7}, 0.03, vi.Good},
		{"two modes, components to spare", bimodal(), 4, 3, [2]float64{-9, -6}, [2]float64{9, 7}, 0.005, vi.Good},
		{"ridge", targets.SkewRidge(1, 0.5), 5, 1, [2]float64{-5, -4}, [2]float64{5, 18}, 0.08, vi.Good},
		{"star", targets.Star(), 10, 1, [2]float64{-6, -6}, [2]float64{6, 6}, 0.02, vi.Good},
		{"double banana", banana, 10, 1, [2]float64{-2.5, -2}, [2]float64{2.5, 3}, 0.4, vi.Caution},
		// from a fitted normal; the 2019 paper's code reaches 0.017 and 0.0062 after 5e4 steps
		{"beta-binomial", targets.CancerBetaBinomial(), 1, 0, [2]float64{-9, 2}, [2]float64{-5, 22}, 0.13, vi.Caution},
		{"beta-binomial", targets.CancerBetaBinomial(), 3, 0, [2]float64{-9, 2}, [2]float64{-5, 22}, 0.03, vi.Good},
		{"beta-binomial", targets.CancerBetaBinomial(), 6, 0, [2]float64{-9, 2}, [2]float64{-5, 22}, 0.012, vi.Good},
	} {
		grid := targets.NewGrid(c.target, c.lo, c.hi, 200)
		type run struct {
			kl    float64
			grade vi.Grade
		}
		var runs []run
		seeds := uint64(3)
		if c.k == 10 {
			seeds = 1 // these take their time
		}
		for seed := range seeds {
			start := wide(t, math.Max(c.sd, 1))
			if c.sd == 0 {
				if _, err := vi.Fit(context.Background(), start, c.target, &vi.Settings{Seed: seed}); err != nil {
					t.Fatal(err)
				}
			}
			m := Split(start, c.k, rand.New(rand.NewPCG(seed, 1)))
			r, err := vi.Fit(context.Background(), m, c.target, &vi.Settings{Seed: seed})
			if err != nil {
				t.Fatalf("%s, K = %d: %v", c.name, c.k, err)
			}
			kl, mass := grid.KL(m.LogProb)
			if math.Abs(mass-1) > 0.01 {
				t.Errorf("%s, K = %d: mass %v on the grid", c.name, c.k, mass)
			}
			if r.ELBO > grid.LogZ()+4*r.ELBOErr {
				t.Errorf("%s, K = %d: ELBO %v ± %v above the log normaliser %v", c.name, c.k, r.ELBO, r.ELBOErr, grid.LogZ())
			}
			runs = append(runs, run{kl, r.Grade()})
		}
		sort.Slice(runs, func(i, j int) bool { return runs[i].kl < runs[j].kl })
		t.Logf("%s, K = %d: %v", c.name, c.k, runs)
		if mid := runs[len(runs)/2]; mid.kl > c.kl || mid.grade > c.grade {
			t.Errorf("%s, K = %d: median KL %.4f, graded %v; want at most %v, %v", c.name, c.k, mid.kl, mid.grade, c.kl, c.grade)
		}
	}
}

// A normal is flagged on targets with two modes or a bend, the mixture is not.
func TestMixtureVerdict(t *testing.T) {
	near := targets.MixtureOfNormals([]float64{math.Log(0.4), math.Log(0.6)}, [][]float64{{-1.5, 0}, {1.5, 1}},
		[]*mat.SymDense{mat.NewSymDense(2, []float64{2, 0.5, 0.5, 2}), mat.NewSymDense(2, []float64{2, 0, 0, 4})})
	for _, c := range []struct {
		name   string
		target *vi.Target
		k      int
		sd     float64
	}{{"two modes", near, 2, 3}, {"ridge", targets.SkewRidge(1, 0.5), 5, 1}} {
		normal, err := vi.Fit(context.Background(), wide(t, c.sd), c.target, &vi.Settings{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		mix, err := vi.Fit(context.Background(), Split(wide(t, c.sd), c.k, rand.New(rand.NewPCG(1, 1))), c.target, &vi.Settings{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		if normal.Grade() == vi.Good || normal.KHat < 0.7 || mix.Grade() != vi.Good || mix.KHat >= 0.7 {
			t.Errorf("%s: the normal is %v with k̂ %.2f, the mixture %v with %.2f; want a reservation and good on both sides of 0.7", c.name, normal.Grade(), normal.KHat, mix.Grade(), mix.KHat)
		}
	}
}

// Mixtures of gammas, Dirichlets and products find a target of their own kind, whose
// log normaliser is 0, with nothing but its gradient.
func TestMixtureOfFamiliesFits(t *testing.T) {
	gamma := func(shape, rate float64) *expfam.Gamma {
		g, err := expfam.NewGamma(shape, rate)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	dirichlet := func(a ...float64) Component {
		d, err := expfam.NewDirichlet(a)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	product := func(shape, mu float64) Component {
		p, err := expfam.NewProduct(gamma(shape, 2), mogNormal(t, []float64{mu}, 1))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	w := []float64{0.4, 0.6}
	for _, c := range []struct {
		name string
		p, q *Mixture
	}{
		{"gamma", mogNew(t, Options{}, w, gamma(4, 4), gamma(60, 10)), mogNew(t, Options{}, nil, gamma(2, 1), gamma(5, 1))},
		{"Dirichlet", mogNew(t, Options{}, w, dirichlet(9, 3, 3), dirichlet(2, 4, 10)), mogNew(t, Options{}, nil, dirichlet(2, 1, 1), dirichlet(1, 1, 2))},
		{"gamma and normal", mogNew(t, Options{}, w, product(3, -2), product(8, 2)), mogNew(t, Options{}, nil, product(4, -1), product(4, 1))},
	} {
		target := &vi.Target{Dim: c.p.Dim(), Grad: func(dst, x []float64) float64 {
			lp := c.p.responsibilities(x)
			copy(dst, c.p.work.gradQ)
			return lp
		}}
		r, err := vi.Fit(context.Background(), c.q, target, nil)
		if err != nil {
			t.Fatal(c.name, err)
		}
		t.Logf("%s: %v after %d steps, weights %.3f", c.name, r.ELBO, r.Iterations, c.q.Weights(nil))
		if r.ELBO < -0.02 || r.Grade() != vi.Good {
			t.Errorf("%s: ELBO %v, want nearly 0; %v", c.name, r.ELBO, r)
		}
	}
}

// A resumed run ends in the same bytes as one that was not interrupted.
func TestMixtureResume(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Options
		s    vi.Settings
	}{
		{"default", Options{}, vi.Settings{Seed: 4, Iterations: 150, Diagnostics: -1}},
		{"BLR with the pull", Options{Rule: BLR, EntropyPull: 10, Reseed: true}, vi.Settings{Seed: 4, Iterations: 150, Diagnostics: -1}},
		{"momentum", Options{Momentum: 0.8}, vi.Settings{Seed: 4, Iterations: 150, Diagnostics: -1}},
		{"momentum, plain", Options{Rule: IBLR, Momentum: 0.8}, vi.Settings{Seed: 4, Iterations: 90, Diagnostics: -1, Plain: true, Rate: vi.Constant(0.05)}},
		{"Adam", Options{Rule: Adam}, vi.Settings{Seed: 4, Iterations: 90, Diagnostics: -1, Plain: true, Rate: vi.Constant(0.02)}},
	} {
		for _, cut := range []int{1, 30, 64, 70} {
			start := func() *Mixture {
				m := Split(wide(t, 3), 3, rand.New(rand.NewPCG(7, 7)))
				if err := m.SetOptions(c.o); err != nil {
					t.Fatal(err)
				}
				return m
			}
			whole, err := vi.New(start(), bimodal(), &c.s)
			if err != nil {
				t.Fatal(err)
			}
			var state []byte
			for whole.Status() == vi.Running {
				if whole.Iterations() == cut {
					if state, err = whole.MarshalBinary(); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := whole.Step(); err != nil {
					t.Fatal(err)
				}
			}
			q := start()
			if err := q.SetOptions(Options{}); err != nil { // those of the run are in its bytes
				t.Fatal(err)
			}
			rest, err := vi.Resume(q, bimodal(), &c.s, state)
			if err != nil {
				t.Fatal(err)
			}
			for rest.Status() == vi.Running {
				if _, err := rest.Step(); err != nil {
					t.Fatal(err)
				}
			}
			a, err := whole.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			b, err := rest.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(a, b) {
				t.Errorf("%s: the run resumed at step %d ends elsewhere", c.name, cut)
			}
		}
	}
}

func TestMixtureBytes(t *testing.T) {
	m := mogNew(t, Options{Rule: Adam}, []float64{0.3, 0.7}, mogNormal(t, []float64{1}, 2), mogNormal(t, []float64{-1}, 1))
	if _, err := m.Retract([]float64{0.1, 0.2, -0.1, 0.3, -0.2}, 0.1); err != nil {
		t.Fatal(err)
	}
	b, err := m.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	other := mogNew(t, Options{Rule: Adam}, nil, mogNormal(t, []float64{0}, 1), mogNormal(t, []float64{5}, 1))
	before, _ := other.MarshalBinary()
	for i := range b {
		damaged := append([]byte(nil), b...)
		damaged[i] ^= 0x40
		if err := other.UnmarshalBinary(damaged); err == nil {
			t.Fatalf("byte %d was damaged and nothing noticed", i)
		}
	}
	three := mogNew(t, Options{}, nil, mogNormal(t, []float64{0}, 1), mogNormal(t, []float64{5}, 1), mogNormal(t, []float64{6}, 1))
	if err := three.UnmarshalBinary(b); err == nil {
		t.Error("three components took the bytes of two")
	}
	if err := new(Mixture).UnmarshalBinary(b); err == nil {
		t.Error("no components took the bytes of two")
	}
	if now, _ := other.MarshalBinary(); !bytes.Equal(now, before) {
		t.Error("a refused state changed the receiver")
	}
	if err := other.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	if now, _ := other.MarshalBinary(); !bytes.Equal(now, b) {
		t.Error("the state does not survive a round trip")
	}
}

func TestMixtureAllocations(t *testing.T) {
	for _, o := range []Options{{}, {Rule: IBLR}, {Rule: BLR}, {Rule: Adam}, {Momentum: 0.5}, {Rule: BLR, Momentum: 0.5}} {
		m := Split(wide(t, 2), 4, rand.New(rand.NewPCG(1, 2)))
		if err := m.SetOptions(o); err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(1, 1))
		draws := make([]expfam.Draw, 16)
		for i := range draws {
			draws[i] = expfam.Draw{X: make([]float64, 2), Grad: make([]float64, 2), Hess: mat.NewSymDense(2, []float64{-1, 0, 0, -1})}
		}
		tan := make([]float64, m.NumParams())
		step := func() {
			m.SampleStep(draws, rng)
			clear(tan)
			for i := range draws {
				d := &draws[i]
				d.Grad[0], d.Grad[1] = -d.X[0], -d.X[1]
				d.LogP, d.LogQ = -0.5*(d.X[0]*d.X[0]+d.X[1]*d.X[1]), m.LogProb(d.X)
				m.Tangent(tan, d, 1./16)
			}
			if _, err := m.Retract(tan, 0.05); err != nil {
				t.Fatal(err)
			}
		}
		for range watchEvery {
			step()
		}
		if n := testing.AllocsPerRun(2*watchEvery, step); n > 0 {
			t.Errorf("%+v: %v allocations a step, want none", o, n)
		}
	}
}
