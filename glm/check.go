package glm

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// Replicate draws n data sets from the posterior predictive distribution, one
// a row, each with an outcome for every row of the design.
func (m *Model) Replicate(f *Result, n int, seed uint64) (*mat.Dense, error) {
	if err := m.checkFit("Replicate", f); err != nil {
		return nil, err
	}
	if n < 1 {
		return nil, fmt.Errorf("glm: Replicate: n is %d, want at least 1", n)
	}
	draws := f.Draws(n, seed)
	rng := rand.New(rand.NewPCG(seed, 0x4e9))
	out := mat.NewDense(n, m.Design.X.Rows, nil)
	for s := range n {
		th, row := draws.RawRowView(s), out.RawRowView(s)
		for i := range row {
			eta, trials := m.predictor(i, th)
			row[i] = m.Family.Sample(rng, eta, th[m.p:], trials)
		}
	}
	return out, nil
}

// predictor returns η of row i at parameters th, and its number of trials.
func (m *Model) predictor(i int, th []float64) (eta, trials float64) {
	eta, trials = dotRow(m.Design.X, i, th), 1
	if m.Design.Offset != nil {
		eta += m.Design.Offset[i]
	}
	if m.Design.Trials != nil {
		trials = m.Design.Trials[i]
	}
	return eta, trials
}

// FittedMeans returns the mean outcome (the probability, for a binomial
// family) of every row of the design at the posterior mean of its predictor.
func (m *Model) FittedMeans(f *Result) []float64 {
	th := f.Posterior.Mean(nil)
	out := make([]float64, m.Design.X.Rows)
	for i := range out {
		eta, _ := m.predictor(i, th)
		out[i] = m.Family.Mean(eta, th[m.p:])
	}
	return out
}

// Check compares a statistic of the data with its distribution over
// replicated data sets (Gelman, Meng and Stern 1996).
type Check struct {
	Name           string
	Observed       float64
	Mean, Q05, Q95 float64 // over the replications
	P              float64 // share of replications at or above the observed value, ties counted half
}

// Checks returns posterior predictive checks of mean, standard deviation, minimum, maximum and
// share of zeros, from replicated data sets as rows of rep.
func (m *Model) Checks(rep *mat.Dense) []Check {
	stats := []struct {
		name string
		of   func([]float64) float64
	}{
		{"mean", func(y []float64) float64 { return moments(y).Mean }},
		{"sd", func(y []float64) float64 {
			if len(y) < 2 {
				return 0
			}
			return moments(y).SD
		}},
		{"min", func(y []float64) float64 { return reduce(y, math.Min) }},
		{"max", func(y []float64) float64 { return reduce(y, math.Max) }},
		{"zeros", func(y []float64) float64 {
			n := 0.0
			for _, v := range y {
				if v == 0 {
					n++
				}
			}
			return n / float64(len(y))
		}},
	}
	n, _ := rep.Dims()
	var out []Check
	for _, st := range stats {
		c := Check{Name: st.name, Observed: st.of(m.Design.Y)}
		v := make([]float64, n)
		for s := range n {
			v[s] = st.of(rep.RawRowView(s))
			c.Mean += v[s] / float64(n)
			switch {
			case v[s] > c.Observed:
				c.P++
			case v[s] == c.Observed:
				c.P += 0.5
			}
		}
		c.P /= float64(n)
		c.Q05, c.Q95 = quantiles(v)
		out = append(out, c)
	}
	return out
}

func reduce(y []float64, f func(a, b float64) float64) float64 {
	v := y[0]
	for _, x := range y[1:] {
		v = f(v, x)
	}
	return v
}
