package autodiff

import (
	"math"
	"testing"
)

// TestLogProbs checks the elementwise densities: their sum against the fused one, and
// derivatives where every element counts differently.
func TestLogProbs(t *testing.T) {
	y, unit, k := []float64{0.3, 1.2, 2}, []float64{0.3, 0.5, 0.9}, []float64{0, 3, 1}
	bits, n := []float64{0, 1, 1}, []float64{4, 5, 2}
	p := []float64{0.5, 1, -0.3, 0.7, 1.2, 2.1}
	for name, f := range map[string]struct{ each, sum func(x Node) Node }{
		"normal":         {func(x Node) Node { return NormalLogProbs(y, x.At(0), x.At(4)) }, func(x Node) Node { return NormalLogProb(y, x.At(0), x.At(4)) }},
		"normal vectors": {func(x Node) Node { return NormalLogProbs(x.Slice(0, 3), x.Slice(1, 4), x.Slice(3, 6)) }, func(x Node) Node { return NormalLogProb(x.Slice(0, 3), x.Slice(1, 4), x.Slice(3, 6)) }},
		"student":        {func(x Node) Node { return StudentTLogProbs(y, x.At(5), x.Slice(0, 3), x.At(4)) }, func(x Node) Node { return StudentTLogProb(y, x.At(5), x.Slice(0, 3), x.At(4)) }},
		"log-normal":     {func(x Node) Node { return LogNormalLogProbs(y, x.Slice(0, 3), x.At(4)) }, func(x Node) Node { return LogNormalLogProb(y, x.Slice(0, 3), x.At(4)) }},
		"exponential":    {func(x Node) Node { return ExponentialLogProbs(y, x.At(4)) }, func(x Node) Node { return ExponentialLogProb(y, x.At(4)) }},
		"gamma":          {func(x Node) Node { return GammaLogProbs(y, x.Slice(3, 6), x.At(4)) }, func(x Node) Node { return GammaLogProb(y, x.Slice(3, 6), x.At(4)) }},
		"beta":           {func(x Node) Node { return BetaLogProbs(unit, x.Slice(3, 6), x.At(4)) }, func(x Node) Node { return BetaLogProb(unit, x.Slice(3, 6), x.At(4)) }},
		"bernoulli":      {func(x Node) Node { return BernoulliLogitLogProbs(bits, x.Slice(0, 3)) }, func(x Node) Node { return BernoulliLogitLogProb(bits, x.Slice(0, 3)) }},
		"binomial":       {func(x Node) Node { return BinomialLogitLogProbs(k, n, x.Slice(0, 3)) }, func(x Node) Node { return BinomialLogitLogProb(k, n, x.Slice(0, 3)) }},
		"poisson":        {func(x Node) Node { return PoissonLogLogProbs(k, x.At(0)) }, func(x Node) Node { return PoissonLogLogProb(k, x.At(0)) }},
		"neg binomial":   {func(x Node) Node { return NegBinomialLogLogProbs(k, x.Slice(0, 3), x.At(4)) }, func(x Node) Node { return NegBinomialLogLogProb(k, x.Slice(0, 3), x.At(4)) }},
	} {
		t.Run(name, func(t *testing.T) {
			checkDerivatives(t, func(x Node) Node { return weighted(f.each(x)) }, p)
			diff, err := New(len(p), func(x Node) Node { return Sub(f.each(x).Sum(), f.sum(x)) })
			if err != nil {
				t.Fatal(err)
			}
			if d := diff.Value(p); !(math.Abs(d) < 1e-12) {
				t.Errorf("the sum of the elements is off by %v", d)
			}
		})
	}
	want := "autodiff: NormalLogProbs: mu is a vector of 2 beside a vector of 3; want one shape, or a scalar"
	if _, err := New(3, func(x Node) Node { return NormalLogProbs(x, []float64{1, 2}, 1).Sum() }); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestLogProbsAllocations(t *testing.T) {
	fn, err := New(2, func(x Node) Node { return weighted(NormalLogProbs([]float64{1, 2, 3}, x.At(0), x.At(1).Exp())) })
	if err != nil {
		t.Fatal(err)
	}
	x, g := []float64{1, 0.3}, make([]float64, 2)
	fn.HessVec(g, x, x)
	for range 40 {
		fn.Grad(g, x)
	}
	if n := testing.AllocsPerRun(100, func() { fn.Grad(g, x); fn.HessVec(g, x, x) }); n != 0 {
		t.Errorf("%v allocations a call", n)
	}
}
