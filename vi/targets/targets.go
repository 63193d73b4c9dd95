package targets

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/internal/special"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/mat"
)

// cancerY of cancerN males aged 45 to 64 died of stomach cancer in the twenty
// largest cities of Missouri, 1972–1981 (Tsutakawa, Shoop and Marienfeld 1985).
var (
	cancerY = []float64{0, 0, 2, 0, 1, 1, 0, 2, 1, 3, 0, 1, 1, 1, 54, 0, 0, 1, 3, 0}
	cancerN = []float64{1083, 855, 3461, 657, 1208, 1025, 527, 1668, 583, 582, 917, 857, 680, 917, 53637, 874, 395, 581, 588, 383}
)

// CancerBetaBinomial is [BetaBinomial] of the stomach cancer deaths of twenty
// cities in Missouri: two parameters, skewed. Its log normaliser is −570.7086.
func CancerBetaBinomial() *vi.Target { return BetaBinomial(cancerY, cancerN) }

// BetaBinomial is the posterior of θ = (logit η, log K) for y_i deaths among n_i,
//
//	log p = Σ_i [log B(Kη + y_i, K(1−η) + n_i − y_i) − log B(Kη, K(1−η))] + log K − 2 log(1+K)
//
// (Albert 2009, "Bayesian computation with R", section 5.4). It panics if the lengths differ.
func BetaBinomial(y, n []float64) *vi.Target {
	if len(y) != len(n) {
		panic(fmt.Sprintf("targets: BetaBinomial: length of n is %d, want %d, the length of y", len(n), len(y)))
	}
	t := &vi.Target{Dim: 2, Names: []string{"logit eta", "log K"}}
	shapes := func(x []float64) (a, b, k float64) {
		k = math.Exp(x[1])
		return k * special.Sigmoid(x[0]), k * special.Sigmoid(-x[0]), k
	}
	t.LogProb = func(x []float64) float64 {
		a, b, k := shapes(x)
		v := x[1] - 2*special.Log1pExp(x[1])
		for i := range y {
			v += special.LgammaDelta(a, y[i]) + special.LgammaDelta(b, n[i]-y[i]) - special.LgammaDelta(k, n[i])
		}
		return v
	}
	grad := func(x []float64, second bool) (g [2]float64, h [3]float64) {
		a, b, k := shapes(x)
		var fa, fb, fk, faa, fbb, fkk float64
		for i := range y {
			fa += special.DigammaDelta(a, y[i])
			fb += special.DigammaDelta(b, n[i]-y[i])
			fk -= special.DigammaDelta(k, n[i])
			if second {
				faa += special.TrigammaDelta(a, y[i])
				fbb += special.TrigammaDelta(b, n[i]-y[i])
				fkk -= special.TrigammaDelta(k, n[i])
			}
		}
		c := a * b / k // ∂a/∂θ₁ = −∂b/∂θ₁
		sk := special.Sigmoid(x[1])
		g[0] = c * (fa - fb)
		g[1] = a*fa + b*fb + k*fk + 1 - 2*sk
		if second {
			bent := c * (b - a) / k // ∂²a/∂θ₁²
			h[0] = c*c*(faa+fbb) + bent*(fa-fb)
			h[1] = c*(a*faa-b*fbb) + c*(fa-fb)
			h[2] = a*a*faa + b*b*fbb + k*k*fkk + a*fa + b*fb + k*fk - 2*sk*(1-sk)
		}
		return g, h
	}
	t.Grad = func(dst, x []float64) float64 {
		g, _ := grad(x, false)
		copy(dst, g[:])
		return t.LogProb(x)
	}
	t.Hess = func(dst *mat.SymDense, gr, x []float64) float64 {
		g, h := grad(x, true)
		copy(gr, g[:])
		set2(dst, h[0], h[1], h[2])
		return t.LogProb(x)
	}
	return t
}

func set2(dst *mat.SymDense, a, b, c float64) {
	dst.SetSym(0, 0, a)
	dst.SetSym(0, 1, b)
	dst.SetSym(1, 1, c)
}

// DoubleBanana is the posterior of two parameters under N(0, s1·I) and one
// observation y = F(θ) + N(0, s2) of F = log((1−θ₁)² + 100(θ₂−θ₁²)²): two
// bent ridges that meet (Detommaso et al. 2018). The usual setting is
// y = log 30, s1 = 1, s2 = 0.09.
func DoubleBanana(y, s1, s2 float64) *vi.Target {
	t := &vi.Target{Dim: 2}
	t.LogProb = func(x []float64) float64 {
		u, w := 1-x[0], x[1]-x[0]*x[0]
		r := y - math.Log(u*u+100*w*w)
		return -0.5 * ((x[0]*x[0]+x[1]*x[1])/s1 + r*r/s2)
	}
	grad := func(gr, x []float64, dst *mat.SymDense) float64 {
		u, w := 1-x[0], x[1]-x[0]*x[0]
		q := u*u + 100*w*w
		r := y - math.Log(q)
		q0, q1 := -2*u-400*x[0]*w, 200*w
		f0, f1 := q0/q, q1/q
		gr[0], gr[1] = -x[0]/s1+r*f0/s2, -x[1]/s1+r*f1/s2
		if dst != nil {
			q00, q01, q11 := 2-400*w+800*x[0]*x[0], -400*x[0], 200.
			set2(dst,
				-1/s1+(-f0*f0+r*(q00/q-f0*f0))/s2,
				(-f0*f1+r*(q01/q-f0*f1))/s2,
				-1/s1+(-f1*f1+r*(q11/q-f1*f1))/s2)
		}
		return -0.5 * ((x[0]*x[0]+x[1]*x[1])/s1 + r*r/s2)
	}
	t.Grad = func(dst, x []float64) float64 { return grad(dst, x, nil) }
	t.Hess = func(dst *mat.SymDense, gr, x []float64) float64 { return grad(gr, x, dst) }
	return t
}

// Star is an even mixture of five narrow normals, N(R(1.5, 0)', R diag(1, 1/100) R')
// with R a rotation by multiples of 72 degrees: normalised.
func Star() *vi.Target {
	var means [][]float64
	var precs []*mat.SymDense
	for i := range 5 {
		s, c := math.Sincos(2 * math.Pi * float64(i) / 5)
		means = append(means, []float64{1.5 * c, 1.5 * s})
		precs = append(precs, mat.NewSymDense(2, []float64{c*c + 100*s*s, c*s - 100*s*c, c*s - 100*s*c, s*s + 100*c*c}))
	}
	return MixtureOfNormals(make([]float64, 5), means, precs)
}

// SkewRidge is a banana in two dimensions, x₁ ~ N(0, 1), x₂ | x₁ ~ N(b x₁², sd²):
// normalised, with mean (0, b) and variances 1 and sd² + 2b².
func SkewRidge(b, sd float64) *vi.Target {
	t := &vi.Target{Dim: 2}
	c := -math.Log(2*math.Pi) - math.Log(sd)
	t.LogProb = func(x []float64) float64 {
		r := (x[1] - b*x[0]*x[0]) / sd
		return c - 0.5*(x[0]*x[0]+r*r)
	}
	t.Hess = func(dst *mat.SymDense, g, x []float64) float64 {
		r := (x[1] - b*x[0]*x[0]) / (sd * sd)
		g[0], g[1] = -x[0]+2*b*x[0]*r, -r
		set2(dst, -1+2*b*r-4*b*b*x[0]*x[0]/(sd*sd), 2*b*x[0]/(sd*sd), -1/(sd*sd))
		return t.LogProb(x)
	}
	t.Grad = func(dst, x []float64) float64 {
		r := (x[1] - b*x[0]*x[0]) / (sd * sd)
		dst[0], dst[1] = -x[0]+2*b*x[0]*r, -r
		return t.LogProb(x)
	}
	return t
}

// StudentT20 is the 20-dimensional even mixture of ten multivariate Student-t
// distributions with 2 degrees of freedom, means uniform on (−20, 20) and
// precisions A'A + I, A of N(0, 4) entries (Lin, Schmidt and Khan 2020, section
// 5). seed draws means and precisions, which are returned as well.
func StudentT20(seed uint64) (t *vi.Target, means [][]float64, precs []*mat.SymDense) {
	return StudentTMixture(20, 10, seed)
}

// StudentTMixture is [StudentT20] for d dimensions and k components.
func StudentTMixture(d, k int, seed uint64) (t *vi.Target, means [][]float64, precs []*mat.SymDense) {
	rng := rand.New(rand.NewPCG(seed, 20))
	for range k {
		m, a := make([]float64, d), mat.NewDense(d, d, nil)
		for i := range m {
			m[i] = 40*rng.Float64() - 20
			for j := range d {
				a.Set(i, j, 2*rng.NormFloat64())
			}
		}
		p := mat.NewSymDense(d, nil)
		p.SymOuterK(1, a.T())
		for i := range d {
			p.SetSym(i, i, p.At(i, i)+1)
		}
		means, precs = append(means, m), append(precs, p)
	}
	return MixtureOfStudentT(make([]float64, k), means, precs, 1), means, precs
}
