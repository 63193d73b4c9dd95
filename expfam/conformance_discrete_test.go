package expfam_test

import (
	"math"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/expfam/expfamtest"
)

func TestConformanceBinomial(t *testing.T) {
	for _, c := range []struct {
		n int
		p float64
	}{{1, 0.3}, {10, 0.004}, {12, 0.9}, {400, 0.5}, {1e6, 3e-6}, {1e9, 0.2}} {
		d := must[*expfam.Binomial](t)(expfam.NewBinomial(c.n, c.p))
		expfamtest.Conformance(t, d, &expfamtest.Options{Sized: true, RoundingLoss: true,
			Outside: [][]float64{{-1}, {0.5}, {float64(c.n) + 1}, {inf}, {nan}}})
	}
}

func TestConformanceMultinomial(t *testing.T) {
	for _, c := range []struct {
		n int
		p []float64
	}{{1, []float64{0.2, 0.5, 0.3}}, {9, []float64{0.3, 0.7}}, {40, []float64{0.01, 0.6, 0.09, 0.3}}, {1e6, []float64{0.2, 0.3, 0.5}}} {
		d := must[*expfam.Multinomial](t)(expfam.NewMultinomial(c.n, c.p))
		few, half := make([]float64, len(c.p)), make([]float64, len(c.p))
		few[0] = float64(c.n) + 1
		half[0], half[1] = float64(c.n)-0.5, 0.5
		negative := []float64{float64(c.n) + 1, -1, 0, 0}[:len(c.p)]
		expfamtest.Conformance(t, d, &expfamtest.Options{Sized: true, RoundingLoss: true, Draws: 5000, Outside: [][]float64{few, half, negative}})
	}
}

func TestConformanceNegativeBinomial(t *testing.T) {
	for _, c := range [][2]float64{{0.3, 0.4}, {1, 0.5}, {7.5, 0.9}, {2.5, 1e-4}, {0.2, 0.01}, {3e4, 0.3}, {50, 0.02}} {
		d := must[*expfam.NegativeBinomial](t)(expfam.NewNegativeBinomial(c[0], c[1]))
		expfamtest.Conformance(t, d, &expfamtest.Options{Sized: true, Outside: [][]float64{{-1}, {0.5}, {inf}, {nan}}})
	}
}

func TestConformanceGeometric(t *testing.T) {
	for _, p := range []float64{1e-7, 0.02, 0.5, 0.98} {
		d := must[*expfam.Geometric](t)(expfam.NewGeometric(p))
		expfamtest.Conformance(t, d, &expfamtest.Options{Outside: [][]float64{{-1}, {0.5}, {inf}, {nan}}})
	}
}

// entropySum is −Σ P log P over the counts from lo to hi, from LogProb.
func entropySum(d expfam.Dist, lo, hi float64) float64 {
	var h float64
	for k := lo; k <= hi; k++ {
		l := d.LogProb([]float64{k})
		h -= math.Exp(l) * l
	}
	return h
}

// TestCountEntropies compares sums, expansion and integral with the plain sum on
// both sides of the seams between them.
func TestCountEntropies(t *testing.T) {
	binomial := func(n int, p float64) expfam.Dist {
		return must[*expfam.Binomial](t)(expfam.NewBinomial(n, p))
	}
	negative := func(r, p float64) expfam.Dist {
		return must[*expfam.NegativeBinomial](t)(expfam.NewNegativeBinomial(r, p))
	}
	for _, c := range []struct {
		d      expfam.Dist
		lo, hi float64
		tol    float64
	}{
		{binomial(3, 0.2), 0, 3, 1e-14},
		{binomial(39990, 0.5), 0, 39990, 1e-13},
		{binomial(40010, 0.5), 0, 40010, 1e-12},
		{binomial(100000, 0.88), 80000, 100000, 1e-12},
		{negative(0.5, 0.3), 0, 400, 1e-13},
		{negative(30, 0.051), 0, 5000, 1e-12},
		{negative(30, 0.049), 0, 5000, 1e-12},
		{negative(0.01, 0.01), 0, 6000, 1e-12},
		{negative(1.5e4, 0.3), 0, 1e5, 1e-12},
		{negative(1, 0.03), 0, 3000, 1e-13},
	} {
		near(t, "entropy of "+c.d.Name(), c.d.Entropy(), entropySum(c.d, c.lo, c.hi), c.tol)
	}
	// Two outcomes are a binomial, r = 1 is geometric.
	m := must[*expfam.Multinomial](t)(expfam.NewMultinomial(50, []float64{0.2, 0.8}))
	near(t, "entropy of a multinomial of two outcomes", m.Entropy(), binomial(50, 0.2).Entropy(), 1e-13)
	for _, p := range []float64{0.2, 0.3, 0.5} { // means on both sides of 1e6
		m := must[*expfam.Multinomial](t)(expfam.NewMultinomial(3e6, []float64{p, 1 - p}))
		near(t, "entropy of a large multinomial", m.Entropy(), binomial(3e6, p).Entropy(), 1e-12)
	}
	g := must[*expfam.Geometric](t)(expfam.NewGeometric(1e-5))
	near(t, "entropy of a geometric", g.Entropy(), negative(1, 1e-5).Entropy(), 1e-12)
}

// TestCountDensities checks values worked out by hand, and that rare and large
// counts keep their digits.
func TestCountDensities(t *testing.T) {
	b := must[*expfam.Binomial](t)(expfam.NewBinomial(5, 0.25))
	near(t, "P(2) of a binomial", b.LogProb([]float64{2}), math.Log(10*27./1024), 1e-14)
	n := must[*expfam.NegativeBinomial](t)(expfam.NewNegativeBinomial(3, 0.25))
	near(t, "P(2) of a negative binomial", n.LogProb([]float64{2}), math.Log(6*9./1024), 1e-14)
	m := must[*expfam.Multinomial](t)(expfam.NewMultinomial(4, []float64{0.5, 0.25, 0.25}))
	near(t, "P(2,1,1) of a multinomial", m.LogProb([]float64{2, 1, 1}), math.Log(12./64), 1e-14)
	rare := must[*expfam.Binomial](t)(expfam.NewBinomial(1e15, 1e-300))
	near(t, "P(1) of a rare binomial", rare.LogProb([]float64{1}), -285*math.Ln10, 1e-14)
	near(t, "variance of a binomial", b.FisherMul(nil, []float64{1})[0], 5*3./16, 1e-14)
	near(t, "mean of a negative binomial", n.Mean(nil)[0], 9, 1e-15)
}

// TestKnownCounts checks that n and r tell families apart: in KL, in a
// product and in bytes.
func TestKnownCounts(t *testing.T) {
	probs := []float64{0.2, 0.8}
	for _, pair := range [][2]expfam.Dist{
		{must[*expfam.Binomial](t)(expfam.NewBinomial(10, 0.5)), must[*expfam.Binomial](t)(expfam.NewBinomial(11, 0.5))},
		{must[*expfam.Multinomial](t)(expfam.NewMultinomial(10, probs)), must[*expfam.Multinomial](t)(expfam.NewMultinomial(11, probs))},
		{must[*expfam.NegativeBinomial](t)(expfam.NewNegativeBinomial(1.5, 0.5)), must[*expfam.NegativeBinomial](t)(expfam.NewNegativeBinomial(1.25, 0.5))},
		{must[*expfam.NegativeBinomial](t)(expfam.NewNegativeBinomial(1, 0.5)), must[*expfam.Geometric](t)(expfam.NewGeometric(0.5))},
		{newMN(t, 2, 2, 1), newMN(t, 2, 2, 2)},
	} {
		if _, err := expfam.KL(pair[0], pair[1]); err == nil {
			t.Errorf("KL between %s and %s gives no error", pair[0].Name(), pair[1].Name())
		}
		b, err := pair[1].MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if err := pair[0].UnmarshalBinary(b); err == nil {
			t.Errorf("%s reads the bytes of %s", pair[0].Name(), pair[1].Name())
		}
	}
	for _, err := range []error{
		second(expfam.NewBinomial(0, 0.5)), second(expfam.NewBinomial(3, 1)), second(expfam.NewBinomial(3, nan)),
		second(expfam.NewMultinomial(0, probs)), second(expfam.NewMultinomial(3, []float64{0.5, 0.6})),
		second(expfam.NewNegativeBinomial(0, 0.5)), second(expfam.NewNegativeBinomial(nan, 0.5)), second(expfam.NewNegativeBinomial(2, 0)),
		second(expfam.NewGeometric(1)), second(expfam.NewGeometric(nan)),
	} {
		if err == nil {
			t.Error("a constructor accepts bad parameters")
		}
	}
}

func second[T any](_ T, err error) error { return err }
