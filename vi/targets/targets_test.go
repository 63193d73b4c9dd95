package targets

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/diff/fd"
	"gonum.org/v1/gonum/mat"
)

func spd(d int, rng *rand.Rand) *mat.SymDense {
	a := mat.NewDense(d, d, nil)
	for i := range d {
		for j := range d {
			a.Set(i, j, rng.NormFloat64())
		}
	}
	p := mat.NewSymDense(d, nil)
	p.SymOuterK(1, a)
	for i := range d {
		p.SetSym(i, i, p.At(i, i)+0.5)
	}
	return p
}

func cases() map[string]struct {
	t     *vi.Target
	at    []float64
	scale float64
} {
	rng := rand.New(rand.NewPCG(1, 1))
	means := [][]float64{{0, 1, 2}, {1, -1, 0.5}}
	precs := []*mat.SymDense{spd(3, rng), spd(3, rng)}
	t4, _, _ := StudentTMixture(4, 3, 1)
	type c = struct {
		t     *vi.Target
		at    []float64
		scale float64
	}
	return map[string]c{
		"beta-binomial": {CancerBetaBinomial(), []float64{-7, 8}, 1},
		"double banana": {DoubleBanana(math.Log(30), 1, 0.09), []float64{0.3, 0.5}, 0.5},
		"star":          {Star(), []float64{0, 0}, 1},
		"skew ridge":    {SkewRidge(0.7, 0.5), []float64{0, 1}, 1},
		"normals":       {MixtureOfNormals([]float64{0, 1}, means, precs), []float64{0.5, 0, 1}, 1},
		"student-t":     {MixtureOfStudentT([]float64{0, 1}, means, precs, 1.5), []float64{0.5, 0, 1}, 2},
		"student-t 4d":  {t4, make([]float64, 4), 5},
	}
}

func TestDerivatives(t *testing.T) {
	for name, c := range cases() {
		rng := rand.New(rand.NewPCG(2, 2))
		d := c.t.Dim
		for range 20 {
			x := make([]float64, d)
			for i := range x {
				x[i] = c.at[i] + c.scale*rng.NormFloat64()
			}
			g, h := make([]float64, d), mat.NewSymDense(d, nil)
			v := c.t.Hess(h, g, x)
			g2 := make([]float64, d)
			if v2 := c.t.Grad(g2, x); v2 != v || c.t.LogProb(x) != v {
				t.Errorf("%s at %v: values differ: %v, %v, %v", name, x, v, v2, c.t.LogProb(x))
			}
			g3 := make([]float64, d)
			want := fd.Gradient(nil, c.t.LogProb, x, &fd.Settings{Formula: fd.Central})
			for i := range d {
				tol := 1e-5 * (1 + math.Abs(want[i]) + math.Abs(v)*1e-3)
				if math.Abs(g[i]-want[i]) > tol || g[i] != g2[i] {
					t.Errorf("%s at %v: gradient %d is %v and %v, differences say %v", name, x, i, g[i], g2[i], want[i])
				}
				row := fd.Gradient(nil, func(x []float64) float64 { c.t.Grad(g3, x); return g3[i] }, x, &fd.Settings{Formula: fd.Central})
				for j, w := range row {
					if math.Abs(h.At(i, j)-w) > 1e-5*(1+math.Abs(w)) {
						t.Errorf("%s at %v: Hessian (%d,%d) is %v, differences say %v", name, x, i, j, h.At(i, j), w)
					}
				}
			}
		}
	}
}

// The grid finds known normalisers and moments.
func TestGrid(t *testing.T) {
	for _, c := range []struct {
		name   string
		t      *vi.Target
		lo, hi [2]float64
		logZ   float64
		tol    float64
		n      int
	}{
		{"beta-binomial", CancerBetaBinomial(), [2]float64{-8.5, 2}, [2]float64{-4.5, 26}, -570.7086, 5e-4, 200},
		{"star", Star(), [2]float64{-8, -8}, [2]float64{8, 8}, 0, 1e-8, 300},
		{"skew ridge", SkewRidge(0.7, 0.5), [2]float64{-8, -5}, [2]float64{8, 40}, 0, 1e-8, 500},
	} {
		g := NewGrid(c.t, c.lo, c.hi, c.n)
		if math.Abs(g.LogZ()-c.logZ) > c.tol {
			t.Errorf("%s: log normaliser is %v, want %v", c.name, g.LogZ(), c.logZ)
		}
		if kl, mass := g.KL(func(x []float64) float64 { return c.t.LogProb(x) - g.LogZ() }); math.Abs(kl) > 1e-9 || math.Abs(mass-1) > 1e-9 {
			t.Errorf("%s: KL of the target to itself is %v with mass %v", c.name, kl, mass)
		}
	}
	mean, sd := NewGrid(SkewRidge(0.7, 0.5), [2]float64{-8, -5}, [2]float64{8, 40}, 500).Moments()
	if math.Abs(mean[0]) > 1e-8 || math.Abs(mean[1]-0.7) > 1e-8 || math.Abs(sd[0]-1) > 1e-8 || math.Abs(sd[1]-math.Sqrt(0.25+2*0.49)) > 1e-8 {
		t.Errorf("skew ridge: means %v, sds %v", mean, sd)
	}
}

func TestMisuse(t *testing.T) {
	for name, f := range map[string]func(){
		"lengths": func() { BetaBinomial(make([]float64, 2), make([]float64, 3)) },
		"alpha": func() {
			MixtureOfStudentT([]float64{0}, [][]float64{{0}}, []*mat.SymDense{spd(1, rand.New(rand.NewPCG(1, 1)))}, 0)
		},
		"sizes": func() {
			MixtureOfNormals([]float64{0}, [][]float64{{0, 1}}, []*mat.SymDense{mat.NewSymDense(1, []float64{1})})
		},
		"not PD": func() {
			MixtureOfNormals([]float64{0}, [][]float64{{0}}, []*mat.SymDense{mat.NewSymDense(1, []float64{-1})})
		},
		"grid": func() { NewGrid(Star(), [2]float64{1, 0}, [2]float64{0, 1}, 10) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}
