package vadam

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/internal/la"
	"github.com/natgrad/natgrad/internal/quad"
	"github.com/natgrad/natgrad/nn"
)

const logregData = "../testdata/logreg/"

// logreg is Bayesian logistic regression with its mean-field optimum; weights
// are in the order of package nn, the bias last.
type logreg struct {
	x, y         []float64 // training rows
	testX, testY []float64
	d            int
	prior        []float64
	best         float64 // negative ELBO of the optimum
	mu, sigma    []float64
}

type optimum struct {
	Data          string
	N             int     `json:"n_train"`
	PriorBias     float64 `json:"prior_prec_bias"`
	Prior         float64 `json:"prior_prec"`
	NegELBO       float64 `json:"neg_elbo"`
	NegELBOPer    float64 `json:"neg_elbo_per_n"`
	NegELBORefPer float64 `json:"neg_elbo_ref_convention_per_n"`
	LogLoss       float64 `json:"test_logloss_nats"`
	Mu, Sigma     []float64
}

// readRows returns the numeric columns whose names want accepts, and column y.
func readRows(t testing.TB, name string, want func(string) bool) (x [][]float64, y []float64) {
	t.Helper()
	raw, err := os.ReadFile(logregData + name)
	if err != nil {
		t.Fatal(err)
	}
	var r io.Reader = bytes.NewReader(raw)
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(r); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		var v []float64
		for j, name := range rows[0] {
			if name != "y" && !want(name) {
				continue
			}
			f, err := strconv.ParseFloat(row[j], 64)
			if err != nil {
				t.Fatal(err)
			}
			if name == "y" {
				y = append(y, f)
			} else {
				v = append(v, f)
			}
		}
		x = append(x, v)
	}
	return x, y
}

// training returns the training rows of a case by its name.
func training(t testing.TB, data string) (file, prefix string, rows []int) {
	t.Helper()
	file, prefix, split := "breast_cancer_scale.csv", "f", "breast_cancer_scale_split.csv"
	half := 0
	if n, ok := strings.CutPrefix(data, "usps_3vs5 half "); ok {
		file, prefix, split = "usps_3vs5.csv.gz", "p", "usps_3vs5_halves.csv"
		var err error
		if half, err = strconv.Atoi(n); err != nil {
			t.Fatal(err)
		}
	} else if data != "breast_cancer_scale (split file)" {
		t.Fatalf("unknown data %q", data)
	}
	f, err := os.Open(logregData + split)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for k := 0; sc.Scan(); k++ {
		cells := strings.Split(sc.Text(), ",")
		if half == 0 && cells[0] == "train" {
			cells = cells[1:]
		} else if half == 0 || k != half-1 {
			continue
		}
		for _, c := range cells {
			i, err := strconv.Atoi(strings.TrimSpace(c))
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, i)
		}
	}
	return file, prefix, rows
}

func loadLogreg(t testing.TB, c optimum) *logreg {
	t.Helper()
	file, prefix, rows := training(t, c.Data)
	x, y := readRows(t, file, func(s string) bool {
		_, err := strconv.Atoi(strings.TrimPrefix(s, prefix))
		return strings.HasPrefix(s, prefix) && err == nil
	})
	m := &logreg{d: len(x[0]), best: c.NegELBO}
	for i := range x {
		if slices.Contains(rows, i) {
			continue
		}
		m.testX, m.testY = append(m.testX, x[i]...), append(m.testY, y[i])
	}
	for _, i := range rows {
		m.x, m.y = append(m.x, x[i]...), append(m.y, y[i])
	}
	if len(m.y) != c.N {
		t.Fatalf("%s: %d training rows, want %d", c.Data, len(m.y), c.N)
	}
	last := func(v []float64) []float64 { return append(slices.Clone(v[1:]), v[0]) }
	m.prior = append(slices.Repeat([]float64{c.Prior}, m.d), c.PriorBias)
	if c.Mu != nil {
		m.mu, m.sigma = last(c.Mu), last(c.Sigma)
	}
	return m
}

// negELBO is −E_q[log lik] + KL(q‖prior) by quadrature.
func (m *logreg) negELBO(mu, sigma []float64) float64 {
	rule := quad.Rule(100)
	var f float64
	z, ls := make([]float64, len(rule.Z)), make([]float64, len(rule.Z))
	for i, y := range m.y {
		a, v := m.predictor(m.x, i, mu, sigma)
		for j, e := range rule.Z {
			z[j] = (2*y - 1) * (a + math.Sqrt(v)*e)
		}
		la.LogSigmoid(ls, z)
		for j, w := range rule.W {
			f -= w * ls[j]
		}
	}
	for j, l := range m.prior {
		s2 := sigma[j] * sigma[j]
		f += 0.5 * (l*(s2+mu[j]*mu[j]) - 1 - math.Log(l*s2))
	}
	return f
}

func (m *logreg) predictor(x []float64, i int, mu, sigma []float64) (mean, variance float64) {
	d := m.d
	mean, variance = mu[d], sigma[d]*sigma[d]
	for j, v := range x[i*d : (i+1)*d] {
		mean += v * mu[j]
		variance += v * v * sigma[j] * sigma[j]
	}
	return mean, variance
}

// logLoss is the test loss of the predictive distribution, in nats.
func (m *logreg) logLoss(mu, sigma []float64) float64 {
	rule := quad.Rule(100)
	var f float64
	for i, y := range m.testY {
		a, v := m.predictor(m.testX, i, mu, sigma)
		var p float64
		for j, e := range rule.Z {
			p += rule.W[j] / (1 + math.Exp(-(2*y-1)*(a+math.Sqrt(v)*e)))
		}
		f -= math.Log(p)
	}
	return f / float64(len(m.testY))
}

// checkOptimum replays mean-field optima: bound and loss at them are those of the
// file, and no coordinate can be moved to a better bound.
func checkOptimum(t *testing.T, data []byte) {
	var f struct{ Cases []optimum }
	decode(t, data, &f)
	for _, c := range f.Cases {
		if math.Abs(c.NegELBO/float64(c.N)-c.NegELBOPer) > 1e-12*c.NegELBOPer {
			t.Errorf("%s: bound %v, per datum %v", c.Data, c.NegELBO, c.NegELBOPer)
		}
		m := loadLogreg(t, c)
		if c.Mu == nil {
			continue
		}
		if got := m.negELBO(m.mu, m.sigma); math.Abs(got-c.NegELBO) > goldenTol*c.NegELBO {
			t.Errorf("%s: negative ELBO %.12g, want %.12g", c.Data, got, c.NegELBO)
		}
		if got := m.logLoss(m.mu, m.sigma); math.Abs(got-c.LogLoss) > goldenTol*c.LogLoss {
			t.Errorf("%s: log loss %.12g, want %.12g", c.Data, got, c.LogLoss)
		}
	}
}

// fit runs nn.Train and returns the gap (F − F*)/N, the symmetrised KL to the
// optimum and the median ratio of standard deviations.
func (m *logreg) fit(t testing.TB, s Settings, batch, epochs int) (gap, skl, ratio float64) {
	t.Helper()
	net, err := nn.New(nn.Bernoulli{}, nn.Vector(m.d), nn.Dense{Out: 1})
	if err != nil {
		t.Fatal(err)
	}
	data, err := nn.NewData(m.x, m.y, len(m.y))
	if err != nil {
		t.Fatal(err)
	}
	s.N, s.PriorPrecs = len(m.y), m.prior
	o, err := New(make([]float64, net.NumParams()), &s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nn.Train(context.Background(), net, data, o, &nn.TrainSettings{Epochs: epochs, Batch: batch, Seed: s.Seed}); err != nil {
		t.Fatal(err)
	}
	mu, sigma := o.Mean(nil), o.SD(nil)
	var ratios []float64
	for j, sd := range sigma {
		best := m.sigma[j]
		d2 := (mu[j] - m.mu[j]) * (mu[j] - m.mu[j])
		r := sd / best
		skl += 0.25 * (r*r + 1/(r*r) - 2 + d2/(sd*sd) + d2/(best*best))
		ratios = append(ratios, r)
	}
	slices.Sort(ratios)
	return (m.negELBO(mu, sigma) - m.best) / float64(len(m.y)), skl, ratios[len(ratios)/2]
}

func loadOptima(t testing.TB) []optimum {
	t.Helper()
	raw, err := os.ReadFile("../testdata/oracles/weight-perturbation/mf_exact_logreg.json")
	if err != nil {
		t.Fatal(err)
	}
	var f struct{ Cases []optimum }
	if err := json.Unmarshal(raw, &f); err != nil {
		t.Fatal(err)
	}
	return f.Cases
}

// TestReferenceLogistic runs the methods on the logistic regressions whose
// mean-field optimum is known: gaps, standard deviations and biases are those that
// an independent implementation shows.
func TestReferenceLogistic(t *testing.T) {
	optima := loadOptima(t)
	cancer, usps := loadLogreg(t, optima[0]), loadLogreg(t, optima[1])
	type bounds struct{ gap, skl, lo, hi float64 }
	for _, c := range []struct {
		name          string
		m             *logreg
		s             Settings
		batch, epochs int
		want          bounds
	}{
		{"cancer/VON", cancer, Settings{Method: VON, Rate: 0.05, Beta1: 0.9, Beta2: 0.95}, 32, 200, bounds{0.005, 0.6, 0.93, 1.07}},
		{"cancer/VOGN", cancer, Settings{Method: VOGN, Rate: 0.05, Beta1: 0.9, Beta2: 0.95}, 32, 200, bounds{0.012, 2, 1.02, 1.25}},
		{"cancer/VOGN,S=10", cancer, Settings{Method: VOGN, Rate: 0.05, Beta1: 0.9, Beta2: 0.95, Draws: 10}, 32, 200, bounds{0.007, 1, 1.08, 1.25}},
		{"cancer/Vadam,M=1", cancer, Settings{Method: Vadam, Rate: 0.01}, 1, 200, bounds{0.005, 1, 1.05, 1.3}},
		// The minibatch bias that the method is known for; without it, this is not Vadam.
		{"cancer/Vadam,M=32", cancer, Settings{Method: Vadam, Rate: 0.05}, 32, 200, bounds{0.08, 13, 1.9, 2.3}},
		{"cancer/IVON", cancer, Settings{Method: IVON, Rate: 0.05, Beta2: 0.99, InitCurvature: 0.1, NoRescale: true}, 32, 200, bounds{0.006, 1, 0.9, 1.1}},
		{"cancer/IVON,S=10", cancer, Settings{Method: IVON, Rate: 0.05, Beta2: 0.99, InitCurvature: 0.1, NoRescale: true, Draws: 10}, 32, 50, bounds{0.005, 12, 0.95, 1.05}},
		{"cancer/IVON,S=10,long", cancer, Settings{Method: IVON, Rate: 0.05, Beta2: 0.99, InitCurvature: 0.1, NoRescale: true, Draws: 10}, 32, 200, bounds{0.003, 0.3, 0.95, 1.05}},
		{"usps/VOGN", usps, Settings{Method: VOGN, Rate: 0.01, Beta1: 0.9, Beta2: 0.99}, 32, 200, bounds{0.03, 35, 0.9, 1.2}},
		{"usps/Vadam,M=64", usps, Settings{Method: Vadam, Rate: 0.01}, 64, 200, bounds{0.15, 90, 1.2, 2.5}},
		{"usps/IVON,S=10", usps, Settings{Method: IVON, Rate: 0.02, Beta2: 0.995, InitCurvature: 0.1, NoRescale: true, Draws: 10}, 32, 200, bounds{0.06, 7, 0.95, 1.05}},
	} {
		t.Run(c.name, func(t *testing.T) {
			// Medians over seeds, since gaps of single runs bounce.
			seeds := 3
			if c.m == usps {
				seeds = 1
			}
			gaps, skls, ratios := make([]float64, seeds), make([]float64, seeds), make([]float64, seeds)
			for k := range seeds {
				c.s.Seed = uint64(k)
				gaps[k], skls[k], ratios[k] = c.m.fit(t, c.s, c.batch, c.epochs)
			}
			mid := func(v []float64) float64 { slices.Sort(v); return v[len(v)/2] }
			gap, skl, ratio := mid(gaps), mid(skls), mid(ratios)
			t.Logf("gap %.4f nats a row, symmetric KL %.2f, median ratio of sds %.3f", gap, skl, ratio)
			if w := c.want; !(gaps[0] > -1e-12 && gap < w.gap && skl < w.skl && ratio > w.lo && ratio < w.hi) {
				t.Errorf("gap %.4f, symmetric KL %.2f, ratio %.3f outside %v", gaps[1], skls[1], ratios[1], w)
			}
		})
	}
}
