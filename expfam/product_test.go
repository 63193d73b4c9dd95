package expfam_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/expfam/expfamtest"
	"gonum.org/v1/gonum/mat"
)

func newProduct(t *testing.T) *expfam.Product {
	t.Helper()
	return must[*expfam.Product](t)(expfam.NewProduct(
		must[*expfam.Gamma](t)(expfam.NewGamma(2.5, 1.5)),
		must[*expfam.Normal](t)(expfam.NewNormal([]float64{1, -1}, eye(2, 0.5))),
		must[*expfam.NormalUV](t)(expfam.NewNormalUV(0.5, 2)),
	))
}

func TestConformanceProduct(t *testing.T) {
	expfamtest.Conformance(t, newProduct(t), &expfamtest.Options{Sized: true, Outside: [][]float64{{-1, 0, 0, 0}}})
}

func TestConformanceProductOfContinuous(t *testing.T) {
	p := must[*expfam.Product](t)(expfam.NewProduct(
		must[*expfam.Gamma](t)(expfam.NewGamma(2.5, 1.5)),
		must[*expfam.Product](t)(expfam.NewProduct(
			must[*expfam.Dirichlet](t)(expfam.NewDirichlet([]float64{1, 2, 3})),
			must[*expfam.NormalGamma](t)(expfam.NewNormalGamma(1, 2, 3, 4)),
		)),
	))
	expfamtest.Conformance(t, p, &expfamtest.Options{Sized: true})
}

// openEntropy is a gamma distribution that does not know its entropy's gradient:
// the score takes its place in every Tangent.
type openEntropy struct{ *expfam.Gamma }

func (g openEntropy) Clone() expfam.Dist { return openEntropy{g.Gamma.Clone().(*expfam.Gamma)} }

func (g openEntropy) KLTo(q expfam.Dist) float64 { return g.Gamma.KLTo(q.(openEntropy).Gamma) }

func (g openEntropy) EntropyTangent([]float64) bool { return false }

func (g openEntropy) Tangent(dst []float64, d *expfam.Draw, w float64) {
	grad := []float64{d.Grad[0] - g.Score(nil, d.X)[0]}
	g.Gamma.Tangent(dst, &expfam.Draw{X: d.X, Grad: grad}, w)
}

func TestProductParts(t *testing.T) {
	gamma := must[*expfam.Gamma](t)(expfam.NewGamma(2.5, 1.5))
	beta := must[*expfam.Beta](t)(expfam.NewBeta(2, 3))

	// Entropies in closed form join those that are not, in every Tangent.
	p := must[*expfam.Product](t)(expfam.NewProduct(openEntropy{gamma}, beta))
	expfamtest.Conformance(t, p, &expfamtest.Options{Sized: true, Allocates: true})
	if p.EntropyTangent(make([]float64, 4)) {
		t.Error("the entropy gradient of a product is exact though that of a part is not")
	}

	discrete := must[*expfam.Product](t)(expfam.NewProduct(gamma, must[*expfam.Poisson](t)(expfam.NewPoisson(3))))
	expfamtest.Conformance(t, discrete, &expfamtest.Options{Sized: true})
	for what, err := range map[string]error{"Differentiable": discrete.Differentiable(), "Scorable": discrete.Scorable()} {
		if err == nil || !strings.Contains(err.Error(), "part 1 of product(gamma:2,poisson:1)") {
			t.Errorf("%s of a product with a discrete part returns %v", what, err)
		}
	}
	nested := must[*expfam.Product](t)(expfam.NewProduct(beta, discrete))
	if nested.Differentiable() == nil || nested.Scorable() == nil {
		t.Error("a product with a discrete part inside a part is said to be differentiable")
	}
	if discrete.EntropyTangent(make([]float64, 3)) {
		t.Error("the entropy gradient is exact though a part has none")
	}

	// A Hessian reaches the parts that use it, in blocks.
	n := must[*expfam.Normal](t)(expfam.NewNormal([]float64{1, -1}, eye(2, 0.5)))
	withNormal := must[*expfam.Product](t)(expfam.NewProduct(gamma, n, beta))
	h := mat.NewSymDense(4, []float64{9, 1, 2, 3, 1, 5, 6, 4, 2, 6, 7, 8, 3, 4, 8, 9})
	dr := expfam.Draw{X: []float64{1, 2, 3, 0.5}, Grad: []float64{1, 2, 3, 4}, Hess: h}
	got, want := make([]float64, 9), make([]float64, 9)
	withNormal.Tangent(got, &dr, 2)
	gamma.Tangent(want[:2], &expfam.Draw{X: dr.X[:1], Grad: dr.Grad[:1]}, 2)
	n.Tangent(want[2:7], &expfam.Draw{X: dr.X[1:3], Grad: dr.Grad[1:3], Hess: mat.NewSymDense(2, []float64{5, 6, 6, 7})}, 2)
	beta.Tangent(want[7:], &expfam.Draw{X: dr.X[3:], Grad: dr.Grad[3:]}, 2)
	nearVec(t, "Tangent with a Hessian", got, want, 0)
	if a := testing.AllocsPerRun(100, func() { withNormal.Tangent(got, &dr, 1) }); a != 0 {
		t.Errorf("Tangent allocates %v times", a)
	}
}

func TestProduct(t *testing.T) {
	p := newProduct(t)
	if p.Len() != 3 || p.Name() != "product(gamma:2,normal:5,univariate-normal:2)" {
		t.Errorf("Len is %d, Name %q", p.Len(), p.Name())
	}
	x := []float64{0.5, 1, 2, 3}
	nearVec(t, "Outcome", p.Outcome(x, 1), []float64{1, 2}, 0)
	nearVec(t, "Params", p.Params(p.Natural(nil), 0), p.Part(0).Natural(nil), 0)
	want := p.Part(0).LogProb(x[:1]) + p.Part(1).LogProb(x[1:3]) + p.Part(2).LogProb(x[3:])
	nearVec(t, "LogProb", []float64{p.LogProb(x)}, []float64{want}, 0)

	// A refusal by a later part leaves the earlier ones as they were and counts
	// the index in the whole vector.
	before := p.Natural(nil)
	eta := p.Natural(nil)
	eta[0], eta[8] = 7, math.NaN()
	var e *expfam.DomainError
	if err := p.SetNatural(eta); !errors.As(err, &e) || e.Index != 8 || !strings.HasPrefix(e.Param, "part 2: ") {
		t.Errorf("error is %v", err)
	}
	nearVec(t, "η after a refusal", p.Natural(nil), before, 0)
	tan := make([]float64, 9)
	tan[0], tan[7] = 1, math.Inf(1)
	if cond, err := p.Retract(tan, 1); err == nil || cond&expfam.NonFinite == 0 {
		t.Errorf("conditions %v, error %v", cond, err)
	}
	nearVec(t, "η after a refused step", p.Natural(nil), before, 0)

	if _, err := expfam.NewProduct(); err == nil {
		t.Error("NewProduct() does not err")
	}
	if err := new(expfam.Product).UnmarshalBinary(nil); err == nil {
		t.Error("unmarshalling into a product without parts does not err")
	}
}

func TestGonumViews(t *testing.T) {
	p := newProduct(t)
	x := []float64{0.5, 1, 2, 3}
	src := func() rand.Source { return rand.NewPCG(5, 5) }
	v := expfam.Gonum(p, src())
	nearVec(t, "LogProb", []float64{v.LogProb(x)}, []float64{p.LogProb(x)}, 0)
	nearVec(t, "Rand", v.Rand(nil), p.Sample(nil, rand.New(src())), 0)
	mv, ok := p.Part(1).(*expfam.Normal).MV(src())
	if !ok {
		t.Fatal("gonum refuses the covariance")
	}
	nearVec(t, "MV", []float64{mv.LogProb(x[1:3])}, []float64{p.Part(1).LogProb(x[1:3])}, 1e-14)

	dir, err := expfam.NewDirichlet([]float64{0.5, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	y := []float64{0.1, 0.3, 0.6}
	nearVec(t, "Dirichlet", []float64{dir.MV(nil).LogProb(y)}, []float64{dir.LogProb(y)}, 1e-13)

	for _, c := range uvViews(t) {
		u := expfam.GonumUV(c.d, src())
		nearVec(t, c.d.Name(), []float64{u.LogProb(c.x), c.uv.LogProb(c.x)}, []float64{c.d.LogProb([]float64{c.x}), c.d.LogProb([]float64{c.x})}, 1e-13)
		nearVec(t, c.d.Name(), []float64{u.Rand()}, c.d.Sample(nil, rand.New(src())), 0)
	}
	for name, f := range map[string]func(){
		"no source":   func() { expfam.Gonum(p, nil).Rand(nil) },
		"dimension 4": func() { expfam.GonumUV(p, src()) },
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

type uvView struct {
	d  expfam.Dist
	uv interface{ LogProb(float64) float64 }
	x  float64
}

func uvViews(t *testing.T) []uvView {
	n, err1 := expfam.NewNormalUV(0.5, 2)
	g, err2 := expfam.NewGamma(2.5, 1.5)
	i, err3 := expfam.NewInverseGamma(2.5, 1.5)
	e, err4 := expfam.NewExponential(3)
	b, err5 := expfam.NewBeta(2, 0.7)
	p, err6 := expfam.NewPoisson(4.5)
	c, err7 := expfam.NewCategorical([]float64{0.2, 0.5, 0.3})
	o, err8 := expfam.NewBernoulli(0.3)
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7, err8); err != nil {
		t.Fatal(err)
	}
	return []uvView{
		{n, n.UV(nil), 0.3}, {g, g.UV(nil), 1.2}, {i, i.UV(nil), 1.2}, {e, e.UV(nil), 0.4},
		{b, b.UV(nil), 0.6}, {p, p.UV(nil), 3}, {c, c.UV(nil), 2}, {o, o.UV(nil), 1},
	}
}
