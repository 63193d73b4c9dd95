package glm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/natgrad/natgrad/vi"
)

// sumCases are the families with a sum of their own.
func sumCases() []familyCase {
	return []familyCase{
		{StudentT(), false}, {StudentTDF(4), false},
		{Bernoulli("logit"), false}, {Bernoulli("probit"), false}, {Bernoulli("cloglog"), false}, {Binomial("logit"), false},
	}
}

// rowSum is Σ F of Eval and Σ |F|.
func rowSum(eval func(lo int, eta, aux []float64, d *vi.Derivs), lo int, eta, aux []float64) (sum, size float64) {
	d := vi.Derivs{F: make([]float64, len(eta))}
	eval(lo, eta, aux, &d)
	for _, f := range d.F {
		sum += f
		size += math.Abs(f)
	}
	return sum, size
}

// The sum equals that of the rows, for predictors near and far, large and
// small auxiliary values, and any range of rows.
func TestFamilySum(t *testing.T) {
	for _, c := range sumCases() {
		t.Run(fmt.Sprint(c.f), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(11, 7))
			const n = 700
			for _, spread := range []float64{0, 0.01, 1, 4, 30, 300} {
				for range 8 {
					o, eta, aux := c.draw(rng, n, false)
					for i := range eta {
						eta[i] = 0.3*eta[i] + spread*rng.NormFloat64()
					}
					for k := range aux {
						aux[k] *= 1 + spread/50
					}
					eval, sum := c.f.Eval(o), sumOf(c.f, o)
					if sum == nil {
						t.Fatal("no sum")
					}
					lo := rng.IntN(n)
					hi := lo + rng.IntN(n-lo+1)
					want, size := rowSum(eval, lo, eta[lo:hi], aux)
					got := sum(lo, eta[lo:hi], aux)
					if got != want && !(math.Abs(got-want) <= 1e-12*size) {
						t.Fatalf("spread %v, rows %d to %d: %v, the rows add up to %v", spread, lo, hi, got, want)
					}
				}
			}
		})
	}
}

// All outcomes likely or all rare, far out: sums that a product of
// probabilities would lose to rounding or underflow.
func TestFamilySumTails(t *testing.T) {
	for _, link := range linkNames {
		f := Bernoulli(link)
		for _, x := range []float64{-1000, -708, -60, -9, -5, -4, -2, -1, 0, 1, 3, 5.9, 6, 9, 36, 37.5, 700, 708, 710, 1000} {
			for _, y := range []float64{0, 1} {
				const n = 523
				o := Outcome{Y: slices.Repeat([]float64{y}, n)}
				eta := slices.Repeat([]float64{x}, n)
				want, _ := rowSum(f.Eval(o), 0, eta, nil)
				got := sumOf(f, o)(0, eta, nil)
				if got != want && !(math.Abs(got-want) <= 1e-12*math.Abs(want)+1e-305) {
					t.Errorf("%s, y = %v, η = %v: %v, the rows add up to %v", link, y, x, got, want)
				}
			}
		}
	}
}

// A row without a finite value has the same effect on the sum.
func TestFamilySumNotFinite(t *testing.T) {
	for _, c := range sumCases() {
		rng := rand.New(rand.NewPCG(2, 5))
		o, eta, aux := c.draw(rng, 40, false)
		for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			for i := range o.Y {
				e := slices.Clone(eta)
				e[i] = x
				want, _ := rowSum(c.f.Eval(o), 0, e, aux)
				got := sumOf(c.f, o)(0, e, aux)
				if got != want && !(math.IsNaN(got) && math.IsNaN(want)) && !(math.Abs(got-want) <= 1e-12*math.Abs(want)) {
					t.Errorf("%s, η = %v, y = %v: %v, the rows add up to %v", c.f, x, o.Y[i], got, want)
				}
			}
		}
	}
}

// Weights and numbers of trials are left to Eval unless all are 1.
func TestFamilySumWeights(t *testing.T) {
	y := []float64{0, 1, 1}
	for _, c := range []struct {
		f    Family
		o    Outcome
		want bool
	}{
		{Bernoulli("logit"), Outcome{Y: y, Weights: []float64{1, 1, 1}}, true},
		{Bernoulli("logit"), Outcome{Y: y, Weights: []float64{1, 0, 1}}, false},
		{StudentT(), Outcome{Y: y, Weights: []float64{1, 2, 1}}, false},
		{Poisson(), Outcome{Y: y}, false},
		{Binomial("logit"), Outcome{Y: y, Trials: []float64{1, 1, 1}}, true},
		{Binomial("logit"), Outcome{Y: y, Trials: []float64{1, 1, 2}}, false},
		{Gaussian(), Outcome{Y: y}, false},
	} {
		if got := sumOf(c.f, c.o) != nil; got != c.want {
			t.Errorf("%s with weights %v and trials %v: a sum is %v, want %v", c.f, c.o.Weights, c.o.Trials, got, c.want)
		}
	}
}

func TestFamilySumAllocations(t *testing.T) {
	for _, c := range sumCases() {
		o, eta, aux := c.draw(rand.New(rand.NewPCG(1, 1)), 600, false)
		sum := sumOf(c.f, o)
		if n := testing.AllocsPerRun(5, func() { sum(0, eta, aux) }); n != 0 {
			t.Errorf("%s allocates %v times", c.f, n)
		}
	}
}

// BenchmarkFamilySum times the sum over 256 rows beside the rows added up.
func BenchmarkFamilySum(b *testing.B) {
	for _, c := range sumCases() {
		o, eta, aux := c.draw(rand.New(rand.NewPCG(1, 1)), 256, false)
		eval, sum := c.f.Eval(o), sumOf(c.f, o)
		d := vi.Derivs{F: make([]float64, 256)}
		for _, k := range []struct {
			name string
			f    func()
		}{{"sum", func() { sum(0, eta, aux) }}, {"rows", func() { eval(0, eta, aux, &d) }}} {
			b.Run(fmt.Sprint(c.f, "/", k.name), func(b *testing.B) {
				for b.Loop() {
					k.f()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*256), "ns/row")
			})
		}
	}
}
