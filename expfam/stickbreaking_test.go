package expfam_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/expfam/expfamtest"
)

func newSticks(t testing.TB, alpha, beta []float64) *expfam.StickBreaking {
	t.Helper()
	return must[*expfam.StickBreaking](t)(expfam.NewStickBreaking(alpha, beta))
}

func TestConformanceStickBreaking(t *testing.T) {
	for _, s := range []*expfam.StickBreaking{
		newSticks(t, []float64{2}, []float64{3}),
		newSticks(t, []float64{1, 2.5, 0.7}, []float64{4, 0.6, 1e3}),
		must[*expfam.StickBreaking](t)(expfam.NewDirichletProcess(5, 2.5)),
	} {
		zero := make([]float64, s.Dim())
		expfamtest.Conformance(t, s, &expfamtest.Options{Draws: 5000, Outside: [][]float64{zero}})
	}
}

// TestStickWeights compares the weights' means and expected logarithms with draws,
// and a stick of its own with Beta.
func TestStickWeights(t *testing.T) {
	s := newSticks(t, []float64{1, 2, 0.8}, []float64{3, 1, 2})
	rng := rand.New(rand.NewPCG(61, 1))
	const n = 20000
	k := s.Components()
	sum, square, logs, logSquare := make([]float64, k), make([]float64, k), make([]float64, k), make([]float64, k)
	w := make([]float64, k)
	for range n {
		total := 0.0
		for i, v := range s.Weights(w, s.Sample(nil, rng)) {
			total += v
			l := math.Log(v)
			sum[i] += v / n
			square[i] += v * v / n
			logs[i] += l / n
			logSquare[i] += l * l / n
		}
		near(t, "sum of weights", total, 1, 1e-14)
	}
	mean, meanLog := s.MeanWeights(nil), s.MeanLogWeights(nil)
	for i := range k {
		if se := math.Sqrt((square[i] - sum[i]*sum[i]) / n); math.Abs(sum[i]-mean[i]) > 5*se {
			t.Errorf("E[w_%d] is %v, draws say %v ± %v", i, mean[i], sum[i], se)
		}
		if se := math.Sqrt((logSquare[i] - logs[i]*logs[i]) / n); math.Abs(logs[i]-meanLog[i]) > 5*se {
			t.Errorf("E[log w_%d] is %v, draws say %v ± %v", i, meanLog[i], logs[i], se)
		}
	}
	b := must[*expfam.Beta](t)(expfam.NewBeta(2, 3))
	one := newSticks(t, []float64{2}, []float64{3})
	near(t, "density of one stick", one.LogProb([]float64{0.3}), b.LogProb([]float64{0.3}), 0)
	dp := must[*expfam.StickBreaking](t)(expfam.NewDirichletProcess(4, 2))
	for i, want := range []float64{1. / 3, 2. / 9, 4. / 27, 8. / 27} {
		near(t, "mean weight of a Dirichlet process", dp.MeanWeights(nil)[i], want, 1e-15)
	}
}

func TestStickBreakingErrors(t *testing.T) {
	s := newSticks(t, []float64{1, 2}, []float64{3, 1})
	for _, err := range []error{
		second(expfam.NewStickBreaking(nil, nil)), second(expfam.NewStickBreaking([]float64{1}, []float64{0})),
		second(expfam.NewStickBreaking([]float64{nan}, []float64{1})), second(expfam.NewDirichletProcess(1, 1)),
		second(expfam.NewDirichletProcess(3, -1)), s.SetExpectation([]float64{-1, -1, -0.1, -0.1}), s.SetNatural([]float64{0, 0, -1, 0}),
	} {
		var e *expfam.DomainError
		if !errors.As(err, &e) {
			t.Errorf("error is %v, want a *DomainError", err)
		}
	}
	if err := s.SetExpectation([]float64{-1, -1, 0.5, -1}); !strings.Contains(err.Error(), "stick 1") || !strings.Contains(err.Error(), "[2]") {
		t.Errorf("message %q does not name the stick", err)
	}
	mustPanic(t, "length of beta is 2, want 1", func() { expfam.NewStickBreaking([]float64{1}, []float64{1, 2}) })
}
