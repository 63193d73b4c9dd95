package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/natgrad/natgrad/nn"
	"github.com/natgrad/natgrad/report"
	"github.com/natgrad/natgrad/vadam"
	"gonum.org/v1/gonum/floats"
)

// method is a method with its settings and minibatch size M; S is Settings.Draws.
type method struct {
	vadam.Settings
	batch   int
	replace bool // rows are drawn with replacement
}

func von(rate, beta2 float64, batch, draws int) method {
	return method{vadam.Settings{Method: vadam.VON, Rate: rate, Beta1: 0.9, Beta2: beta2, Draws: draws}, batch, false}
}

func vogn(rate, beta2 float64, batch, draws int) method {
	return method{vadam.Settings{Method: vadam.VOGN, Rate: rate, Beta1: 0.9, Beta2: beta2, Draws: draws}, batch, false}
}

func adam(rate float64, batch int) method {
	return method{vadam.Settings{Method: vadam.Vadam, Rate: rate}, batch, false}
}

// ivon has the rate in units of its own preconditioner, as the others have.
func ivon(rate, beta2 float64, batch, draws int) method {
	return method{vadam.Settings{Method: vadam.IVON, Rate: rate, Beta2: beta2, InitCurvature: 0.1, NoRescale: true, Draws: draws}, batch, false}
}

var cancerMethods = []method{
	von(0.05, 0.95, 32, 1),
	vogn(0.05, 0.95, 32, 1),
	vogn(0.05, 0.95, 32, 10),
	adam(0.01, 1),
	adam(0.02, 8),
	adam(0.05, 32),
	ivon(0.05, 0.99, 32, 1),
	ivon(0.05, 0.99, 32, 10),
}

// sizes are the minibatch sizes of the second table.
var sizes = []int{1, 8, 32, 128}

// bySize are the methods with minibatches of every size. VOGN and IVON move in
// proportion to the size, so that a pass over the data is worth the same.
var bySize = []struct {
	name string
	make func(batch int) method
}{
	{"Vadam", func(b int) method { return adam(map[int]float64{1: 0.01, 8: 0.02, 32: 0.05, 128: 0.05}[b], b) }},
	{"VOGN", func(b int) method { f := float64(b) / 32; return vogn(0.05*f, 1-0.05*f, b, 1) }},
	{"IVON", func(b int) method { f := float64(b) / 32; return ivon(0.05*f, 1-0.01*f, b, 1) }},
}

// figures are what a fit came to.
type figures struct {
	gaps    []float64 // (best ELBO − ELBO)/N after the chosen epochs
	kl      float64
	ratio   float64 // median over coordinates
	ratios  []float64
	logLoss float64
}

// fit trains from mean zero and looks at q after the epochs, in ascending order.
func (m method) fit(p *problem, epochs []int, seed uint64) (*figures, error) {
	net, err := nn.New(nn.Bernoulli{}, nn.Vector(p.train.In()), nn.Dense{Out: 1})
	if err != nil {
		return nil, err
	}
	s := m.Settings
	s.N, s.PriorPrecs, s.Seed = p.train.Rows, p.prior, seed
	opt, err := vadam.New(make([]float64, net.NumParams()), &s)
	if err != nil {
		return nil, err
	}
	f := &figures{}
	_, err = nn.Train(context.Background(), net, p.train, opt, &nn.TrainSettings{
		Epochs: epochs[len(epochs)-1], Batch: m.batch, Seed: seed, Replacement: m.replace,
		Progress: func(r nn.TrainRecord) {
			if r.Batch == 0 && slices.Contains(epochs, r.Epoch) {
				q, err := opt.Posterior()
				if err != nil {
					panic(err)
				}
				f.gaps = append(f.gaps, (p.bound-p.elbo(q, opt.KL()))/float64(p.train.Rows))
			}
		},
	})
	if err != nil {
		return nil, err
	}
	q, err := opt.Posterior()
	if err != nil {
		return nil, err
	}
	f.ratios = floats.DivTo(make([]float64, q.Dim()), q.Sd(nil), p.best.Sd(nil))
	f.kl, f.ratio, f.logLoss = p.symmetricKL(q), median(f.ratios), p.logLoss(q)
	return f, nil
}

// medians are the medians of fits over seeds.
func (m method) medians(p *problem, epochs []int) (*figures, error) {
	var fits []*figures
	for s := range seeds {
		f, err := m.fit(p, epochs, uint64(s+1))
		if err != nil {
			return nil, fmt.Errorf("%v: %w", m.Method, err)
		}
		fits = append(fits, f)
	}
	over := func(get func(f *figures) float64) float64 {
		v := make([]float64, len(fits))
		for i, f := range fits {
			v[i] = get(f)
		}
		return median(v)
	}
	r := &figures{
		kl:      over(func(f *figures) float64 { return f.kl }),
		ratio:   over(func(f *figures) float64 { return f.ratio }),
		logLoss: over(func(f *figures) float64 { return f.logLoss }),
	}
	for i := range epochs {
		r.gaps = append(r.gaps, over(func(f *figures) float64 { return f.gaps[i] }))
	}
	for j := range p.prior {
		r.ratios = append(r.ratios, over(func(f *figures) float64 { return f.ratios[j] }))
	}
	return r, nil
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

// paperTable runs Vadam on the scale of sums with falling rates and minibatches with
// replacement, as figure 2(c) of Khan et al. (2018) was made.
func paperTable(w io.Writer, dir string, epochs, seeds int) error {
	p, err := cancer(dir)
	if err != nil {
		return err
	}
	t := &report.Table{
		Title:   fmt.Sprintf("VadamSum, %d epochs, %d seeds: medians", epochs, seeds),
		Columns: []string{"M", "symmetric KL", "published", "sd / best sd"},
		Align:   []report.Align{report.Right, report.Decimal, report.Decimal, report.Decimal},
	}
	published := map[int]float64{1: 0.51, 8: 5.56, 16: 6.90, 32: 8.10, 64: 9.82}
	for _, batch := range []int{1, 8, 16, 32, 64} {
		m := method{vadam.Settings{Method: vadam.VadamSum, Rate: 0.01, Beta2: 0.99, RateAt: vadam.DecayRate(0.55), CurvatureRateAt: vadam.DecayRate(0.55)}, batch, true}
		var kl, ratio []float64
		for s := range seeds {
			f, err := m.fit(p, []int{epochs}, uint64(s+1))
			if err != nil {
				return err
			}
			kl, ratio = append(kl, f.kl), append(ratio, f.ratio)
		}
		t.AddRow(batch, fmt.Sprintf("%.2f", median(kl)), fmt.Sprintf("%.2f", published[batch]), fmt.Sprintf("%.2f", median(ratio)))
	}
	_, err = fmt.Fprint(w, t)
	return err
}
