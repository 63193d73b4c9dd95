package special

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/internal/oracle"
)

func TestGammaShapeGrad(t *testing.T) {
	for _, r := range gammaPaths {
		near(t, "GammaShapeGrad", r.x, GammaShapeGrad(r.a, r.x), r.grad, 1e-13, 0)
	}
}

func TestBetaShapeGrads(t *testing.T) {
	for _, r := range betaPaths {
		da, db := BetaShapeGrads(r.a, r.b, r.x, 1-r.x)
		near(t, "BetaShapeGrads a", r.x, da, r.da, 1e-12, 0)
		near(t, "BetaShapeGrads b", r.x, db, r.db, 1e-12, 0)
	}
}

// TestPathIdentities compares closed forms and limits, over many decades.
func TestPathIdentities(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	decade := func(lo, hi float64) float64 { return math.Pow(10, lo+(hi-lo)*rng.Float64()) }
	for range 300 {
		a, p := decade(-3, 6), rng.Float64()
		// Beta(a, 1) has F = x^a and Beta(1, b) the mirror image.
		if x := math.Pow(p, 1/a); x > 1e-300 && x < 1 {
			y := -math.Expm1(math.Log(p) / a)
			da, _ := BetaShapeGrads(a, 1, x, y)
			near(t, "Beta(a, 1)", a, da, -x*math.Log(p)/(a*a), 2e-12, 0)
			_, db := BetaShapeGrads(1, a, y, x)
			near(t, "Beta(1, b)", a, db, x*math.Log(p)/(a*a), 2e-12, 0)
		}
		// x^a/Γ(a+1) near 0: ∂x/∂a = x (ψ(a+1) − log x)/a.
		x := math.Exp(-40 * (1 + p))
		near(t, "small x", a, GammaShapeGrad(a, x), x*(Digamma(a+1)-math.Log(x))/a, 1e-13, 0)
		// bX → Gamma(a, 1) as b → ∞, with an error of order a/b.
		if a > 0.01 && a < 1e3 {
			x := a * math.Exp(rng.NormFloat64()/math.Sqrt(1+a))
			const b = 1e12
			da, db := BetaShapeGrads(a, b, x/b, 1-x/b)
			near(t, "b to infinity", a, b*da, GammaShapeGrad(a, x), 1e-8, 0)
			near(t, "b to infinity", a, -b*b*db, x, 1e-8, 0)
		}
		// Shifting by one: P(a+1, x) = P(a, x) − x p(x)/a, differentiated.
		if a > 1e-2 && a < 1e4 {
			x := a * math.Exp(rng.NormFloat64()/math.Sqrt(1+a))
			want := (a*GammaShapeGrad(a, x) + x*(math.Log(x)-Digamma(a+1))) / x
			size := (a*GammaShapeGrad(a, x) + x*math.Abs(math.Log(x)-Digamma(a+1))) / x
			near(t, "recurrence", a, GammaShapeGrad(a+1, x), want, 1e-12, size)
		}
	}
}

// TestPathExtremes checks that every positive argument gives a finite number of
// the right sign.
func TestPathExtremes(t *testing.T) {
	shapes := []float64{1e-150, 1e-16, 1e-3, 1, 1e3, 1e9, 1e17, 1e150}
	for _, a := range shapes {
		for _, x := range []float64{5e-324, 1e-300, 1e-20, 0.5, a, a * (1 + 1e-9), 2 * a, 1e20, 1e300} {
			if g := GammaShapeGrad(a, x); !(g >= 0) || math.IsInf(g, 1) && x > 1e-300*a {
				t.Errorf("GammaShapeGrad(%v, %v) is %v", a, x, g)
			}
		}
		for _, b := range shapes {
			for _, x := range []float64{5e-324, 1e-300, 1e-20, 0.1, 0.5, a / (a + b), 0.9, 1 - 0x1p-53} {
				y := 1 - x
				if !(x > 0) || !(y > 0) {
					continue
				}
				if da, db := BetaShapeGrads(a, b, x, y); !(da >= 0) || !(db <= 0) {
					t.Errorf("BetaShapeGrads(%v, %v, %v) is %v, %v", a, b, x, da, db)
				}
			}
		}
	}
	nan := math.NaN()
	for _, v := range []float64{GammaShapeGrad(0, 1), GammaShapeGrad(1, 0), GammaShapeGrad(nan, 1), GammaShapeGrad(1, nan), GammaShapeGrad(1, math.Inf(1))} {
		if !math.IsNaN(v) {
			t.Errorf("GammaShapeGrad outside its domain is %v, want NaN", v)
		}
	}
	for _, v := range [][4]float64{{0, 1, 0.5, 0.5}, {1, nan, 0.5, 0.5}, {1, 1, 0, 1}, {1, 1, 1, 0}} {
		if da, db := BetaShapeGrads(v[0], v[1], v[2], v[3]); !math.IsNaN(da) || !math.IsNaN(db) {
			t.Errorf("BetaShapeGrads%v is %v, %v, want NaN", v, da, db)
		}
	}
	if n := testing.AllocsPerRun(100, func() { GammaShapeGrad(30, 31); BetaShapeGrads(0.3, 0.4, 0.5, 0.5) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestPathGolden compares with the derivatives that the authors of the method
// computed.
func TestPathGolden(t *testing.T) {
	seen := 0
	for _, f := range oracle.Files(t, "mixtures", func([]byte) bool { return true }) {
		var g struct {
			Initial struct{ Shape float64 }
			Runs    []struct {
				Iterates []struct{ Shape []float64 }
				Draws    []struct {
					Gamma [][]float64 `json:"unit_scale_gamma"`
					Grad  []float64   `json:"implicit_dg_da_first_sample"`
				}
			}
			Rows []struct {
				Alpha, Beta, Z float64
				DAlpha         float64 `json:"dz_dalpha"`
				DBeta          float64 `json:"dz_dbeta"`
			}
		}
		if json.Unmarshal(f.Data, &g) != nil {
			continue // another kind of file
		}
		for _, r := range g.Runs {
			for s, d := range r.Draws {
				for i, want := range d.Grad {
					shape := g.Initial.Shape
					if s > 0 {
						shape = r.Iterates[s-1].Shape[i]
					}
					near(t, f.Name, shape, GammaShapeGrad(shape, d.Gamma[0][i]), want, 1e-9, 0)
					seen++
				}
			}
		}
		for _, r := range g.Rows {
			if r.DBeta == 0 {
				continue
			}
			da, db := InverseGaussianGrads(r.Alpha, r.Beta, r.Z)
			near(t, f.Name, r.Z, da, r.DAlpha, 1e-12, r.Z/r.Alpha)
			near(t, f.Name, r.Z, db, r.DBeta, 1e-12, 0)
			seen++
		}
	}
	t.Logf("%d derivatives", seen)
}

func BenchmarkShapeGrads(b *testing.B) {
	for _, r := range []struct {
		name string
		f    func()
	}{
		{"gamma/series", func() { GammaShapeGrad(0.7, 0.5) }},
		{"gamma/panels", func() { GammaShapeGrad(30, 33) }},
		{"beta/concentrated", func() { BetaShapeGrads(30, 50, 0.4, 0.6) }},
		{"beta/sparse", func() { BetaShapeGrads(0.1, 0.9, 0.4, 0.6) }},
	} {
		b.Run(r.name, func(b *testing.B) {
			for range b.N {
				r.f()
			}
		})
	}
}
