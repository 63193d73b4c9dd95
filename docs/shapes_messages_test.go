package docs_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/mixture"
	"github.com/natgrad/natgrad/structured"
	"github.com/natgrad/natgrad/vi"
	"github.com/natgrad/natgrad/vi/targets"
	"gonum.org/v1/gonum/mat"
)

func split(q *expfam.Normal, k int) *mixture.Mixture {
	return mixture.Split(q, k, rand.New(rand.NewPCG(1, 1)))
}

// Components that die, coincide or are given twice.
func TestComponentMessages(t *testing.T) {
	const page = "mixture-components"
	r, err := fitWideMixture(context.Background(), targets.CancerBetaBinomial(), 5)
	if err != nil {
		t.Fatal(err)
	}
	shows(t, page, r.Verdict(), true)
	if r.Conditions&expfam.Collapsed == 0 {
		t.Errorf("the conditions are %v", r.Conditions)
	}
	dead := 0
	for _, i := range r.Posterior.(*mixture.Mixture).Check() {
		shows(t, page, i.String(), true)
		if i.Kind == mixture.Dead {
			dead++
		}
	}
	if dead != 4 {
		t.Errorf("%d components are dead, the page says four", dead)
	}

	a, b := expfam.StandardNormal(2), expfam.StandardNormal(2)
	twins, err := mixture.New(nil, a, b)
	if err != nil {
		t.Fatal(err)
	}
	modes := targets.MixtureOfNormals([]float64{0, 0}, [][]float64{{-2, 0}, {2, 1}}, []*mat.SymDense{diagonal(2, 1), diagonal(2, 1)})
	if r, err = vi.Fit(context.Background(), twins, modes, nil); err != nil {
		t.Fatal(err)
	}
	shows(t, page, r.Verdict(), true)
	issues := twins.Check()
	if len(issues) != 1 || issues[0].Kind != mixture.Coinciding {
		t.Fatalf("issues %v", issues)
	}
	shows(t, page, issues[0].String(), true) // the divergence is rounding
	shows(t, page, mixture.Issue{Kind: mixture.Narrowing, Component: 1, Value: 1e-6}.String(), true)
	_, err = mixture.New(nil, a, a)
	shows(t, page, err.Error(), false)
	g := dist(expfam.NewGamma(1, 1)).(*expfam.Gamma)
	gammas, err := mixture.New(nil, g, g.Clone().(*expfam.Gamma))
	if err != nil {
		t.Fatal(err)
	}
	shows(t, page, gammas.SetOptions(mixture.Options{Reseed: true}).Error(), false)
}

// A skew normal that starts at α = 0 ends there.
func TestSkewStartFigures(t *testing.T) {
	const page = "skew-start"
	ctx, target := context.Background(), targets.CancerBetaBinomial()
	normal := expfam.StandardNormal(2)
	if _, err := vi.Fit(ctx, normal, target, nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		start func() (*mixture.SkewNormal, error)
	}{
		{"α = 0", func() (*mixture.SkewNormal, error) {
			return mixture.NewSkewNormal(normal.Mean(nil), []float64{0, 0}, normal.Cov(nil))
		}},
		{"α = (0, −1), the wrong side", func() (*mixture.SkewNormal, error) {
			return mixture.NewSkewNormal(normal.Mean(nil), []float64{0, -1}, normal.Cov(nil))
		}},
		{"`SkewNormalFrom`", func() (*mixture.SkewNormal, error) {
			return mixture.SkewNormalFrom(normal, target.Grad, rand.New(rand.NewPCG(1, 1)))
		}},
	} {
		q, err := c.start()
		if err != nil {
			t.Fatal(err)
		}
		r, err := vi.Fit(ctx, q, target, nil)
		if err != nil {
			t.Fatal(err)
		}
		a := q.Alpha(nil)
		line := fmt.Sprintf("| %s | (%.2f, %.2f) | %.3f | %.2f | %v |", c.name, math.Abs(a[0]), a[1], r.ELBOMC, r.Spread(), r.Grade())
		t.Log(line)
		shows(t, page, line, true)
	}
	_, err := mixture.NewSkewNormal([]float64{0, 0}, []float64{0, math.NaN()}, diagonal(2, 1))
	if err == nil {
		t.Fatal("α = NaN is accepted")
	}
	shows(t, page, err.Error(), false)
}

// What vi.New says of posteriors that a method cannot move.
func TestRefusedMessages(t *testing.T) {
	const page = "posterior-refused"
	ridge := targets.SkewRidge(1, 0.5)
	values := &vi.Target{Dim: 2, LogProb: ridge.LogProb}
	two := split(expfam.StandardNormal(2), 2)
	half := dist(expfam.NewProduct(dist(expfam.NewGamma(1, 1)), dist(expfam.NewPoisson(2)))).(*expfam.Product)
	for _, c := range []struct {
		q vi.Posterior
		t *vi.Target
		s vi.Settings
	}{
		{two, ridge, vi.Settings{Method: vi.Laplace}},
		{two, ridge, vi.Settings{Method: vi.GradientFree}},
		{two, ridge, vi.Settings{EntropyWeight: 0.5}},
		{half, ridge, vi.Settings{}},
		{half, ridge, vi.Settings{Method: vi.GradientFree}},
		{dist(expfam.NewPoisson(2)), &vi.Target{Dim: 1, Grad: ridge.Grad}, vi.Settings{}},
		{two, values, vi.Settings{}},
		{expfam.StandardNormal(3), ridge, vi.Settings{}},
	} {
		_, err := vi.New(c.q, c.t, &c.s)
		if err == nil {
			t.Fatalf("%T is not refused", c.q)
		}
		shows(t, page, err.Error(), false)
	}
}

// Which root suits depends on what hangs on what, and on the order of coordinates.
func TestRootFigures(t *testing.T) {
	const page, p = "precision-root", 20
	first, last := arrow(p, 0), arrow(p, p-1)
	// N(0, (I + 4·11')⁻¹): a precision of a diagonal plus rank 1.
	sum := &vi.Target{Dim: p, Grad: func(dst, x []float64) float64 {
		s, l := 0.0, 0.0
		for _, v := range x {
			s += v
			l -= v * v / 2
		}
		for i, v := range x {
			dst[i] = -v - 4*s
		}
		return l - 2*s*s
	}}
	hang, det := float64(p-1)*math.Log(4), math.Log(1+4*float64(p))
	for _, c := range []struct {
		name    string
		target  *vi.Target
		logPrec float64 // log determinant of the precision
	}{
		{"19 coordinates hang on the first", first, hang}, {"19 coordinates hang on the last", last, hang}, {"a sum is known", sum, det},
	} {
		row := "| " + c.name + " |"
		for _, make := range []func() (structured.Factor, error){
			func() (structured.Factor, error) { return structured.Diagonal(p) },
			func() (structured.Factor, error) { return structured.Up(p, 1) },
			func() (structured.Factor, error) { return structured.Low(p, 1) },
			func() (structured.Factor, error) { return structured.Low(p, 3) },
			func() (structured.Factor, error) { return structured.Cholesky(p) },
		} {
			root, err := make()
			if err != nil {
				t.Fatal(err)
			}
			q, err := structured.New(zeros(p), root)
			if err != nil {
				t.Fatal(err)
			}
			r, err := vi.Fit(context.Background(), q, c.target, nil)
			if err != nil {
				t.Fatal(err)
			}
			kl := p*math.Log(2*math.Pi)/2 - c.logPrec/2 - r.ELBOMC
			row += fmt.Sprintf(" %.1f %v |", math.Abs(kl), r.Grade())
		}
		t.Log(row)
		shows(t, page, row, true)
	}
	_, err := structured.Up(5, 9)
	shows(t, page, err.Error(), false)
	// B is a root of the precision, so that a larger B is a narrower Gaussian.
	root, err := structured.Diagonal(3)
	if err != nil {
		t.Fatal(err)
	}
	if err := root.Scale(100); err != nil {
		t.Fatal(err)
	}
	q, err := structured.New(zeros(3), root)
	if err != nil {
		t.Fatal(err)
	}
	if sd := q.Sd(nil)[0]; math.Abs(sd-0.01) > 1e-15 {
		t.Errorf("sd %v, want 0.01", sd)
	}
}

func zeros(n int) []float64 { return make([]float64, n) }
