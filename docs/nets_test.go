package docs_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/nn"
	"github.com/natgrad/natgrad/vadam"
)

// wave is some rows of two columns and a target.
func wave(rows int) (x, y []float64) {
	rng := rand.New(rand.NewPCG(4, 4))
	for range rows {
		a, b := 4*rng.Float64()-2, rng.NormFloat64()
		x, y = append(x, a, b), append(y, 30+6*math.Sin(2*a)+2*b+rng.NormFloat64())
	}
	return x, y
}

// The program of nets.md.
func TestNetsProgram(t *testing.T) {
	ctx := context.Background()
	x, y := wave(400)
	newX := []float64{0.5, 0, 9, 0}
	var out bytes.Buffer
	err := func() error {
		data, err := nn.NewData(x, y, len(y)) // 400 rows: x row by row, one target each
		if err != nil {
			return err
		}
		data.Inputs, data.Targets = []string{"temperature", "load"}, []string{"output"}
		net, err := nn.New(nn.Gaussian{Learned: true}, nn.Vector(2), nn.Dense{Out: 50, Act: nn.ReLU}, nn.Dense{Out: 1})
		if err != nil {
			return err
		}
		fit, err := vadam.Fit(ctx, net, data, &vadam.FitSettings{Standardise: true, Epochs: 300, Seed: 1})
		if err != nil {
			return err
		}
		fmt.Fprintln(&out, fit.Verdict())

		p, err := fit.Posterior.Predict(ctx, net, newX, nil) // 100 draws of the weights
		if err != nil {
			return err
		}
		lower, upper, err := p.Interval(0.95)
		if err != nil {
			return err
		}
		for i := range p.Mean {
			fmt.Fprintf(&out, "%s %.1f, 95 %% in [%.1f, %.1f]: noise %.1f, ignorance %.1f\n",
				p.Targets[0], p.Mean[i], lower[i], upper[i], math.Sqrt(p.Aleatoric[i]), math.Sqrt(p.Epistemic[i]))
		}
		saved, err := fit.Posterior.MarshalBinary() // and UnmarshalBinary in the service
		if err != nil {
			return err
		}
		var q vadam.Posterior
		if err := q.UnmarshalBinary(saved); err != nil {
			return err
		}
		again, err := q.Predict(ctx, net, newX, nil)
		if err == nil && (again.Mean[0] != p.Mean[0] || again.SD[1] != p.SD[1]) {
			t.Error("the saved posterior predicts otherwise")
		}
		return err
	}()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	if !strings.HasPrefix(lines[0], "good: ") {
		t.Errorf("verdict: %s", lines[0])
	}
	t.Log(out.String())
	page, err := os.ReadFile("nets.md")
	if err != nil {
		t.Fatal(err)
	}
	// Numbers of the page are those of one machine: to a tenth here.
	if !strings.Contains(string(page), lines[1]) {
		t.Logf("nets.md shows other digits than\n%s", out.String())
	}
}

// A gradient of one's own: nets of other libraries are driven like this.
func TestNetsCallback(t *testing.T) {
	x, y := []float64{-2, -1, 0, 1, 2}, []float64{-3.9, -2.1, 0.2, 1.9, 4.1}
	err := func() error {
		opt, err := vadam.New([]float64{0, 0}, &vadam.Settings{ // any flat vector of weights
			Method: vadam.IVON, N: len(y), PriorPrec: 0.1, Rate: 0.1, Beta2: 0.99, Draws: 4, Antithetic: true, Seed: 1,
			RateAt: vadam.CosineRate(0, 2001),
		})
		if err != nil {
			return err
		}
		objective := &nn.Objective{Grad: func(grad, w []float64) (float64, error) {
			clear(grad) // mean negative log-likelihood of a line with noise 0.2, and its gradient
			loss, n := 0.0, float64(len(y))
			for i, v := range x {
				r := (w[0] + w[1]*v - y[i]) / 0.2
				loss += r * r / 2 / n
				grad[0] += r / 0.2 / n
				grad[1] += r / 0.2 * v / n
			}
			return loss, nil
		}}
		for range 2000 {
			if err := opt.Step(objective); err != nil {
				return err
			}
		}
		mean, sd := opt.Mean(nil), opt.SD(nil)
		// precisions of the posterior: 0.1 + 5/0.04 and 0.1 + 10/0.04
		if math.Abs(mean[1]-1.999) > 0.01 || math.Abs(sd[0]/0.0894-1) > 0.1 || math.Abs(sd[1]/0.0632-1) > 0.1 {
			t.Errorf("mean %v, sd %v", mean, sd)
		}
		return nil
	}()
	if err != nil {
		t.Fatal(err)
	}
}

// Every block of Go in nets.md is a part of code that is tested.
func TestNetsCode(t *testing.T) {
	indent := regexp.MustCompile(`(?m)^[ \t]+`)
	flat := func(s string) string { return indent.ReplaceAllString(s, "") }
	b, err := os.ReadFile("nets_test.go")
	if err != nil {
		t.Fatal(err)
	}
	code := flat(string(b))
	for _, name := range []string{"nets.md", "../README.md"} {
		page, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, m := range regexp.MustCompile("(?s)```go\n(.*?)\n```").FindAllStringSubmatch(string(page), -1) {
			if !strings.Contains(m[1], "vadam.") {
				continue
			}
			found++
			if !strings.Contains(code, flat(m[1])) {
				t.Errorf("%s: no tested code has\n%s", name, m[1])
			}
		}
		if found == 0 {
			t.Errorf("%s: no code with vadam was found", name)
		}
	}
}

// What batches do to Vadam's standard deviations and not to IVON's: the table of
// sharp-bits/vadam-batch.md, of a line with noise 1 and 256 rows.
func TestBatchFigures(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	const rows = 256
	x, y := make([]float64, rows), make([]float64, rows)
	for i := range x {
		x[i] = rng.NormFloat64()
		y[i] = 2*x[i] + rng.NormFloat64()
	}
	data, err := nn.NewData(x, y, rows)
	if err != nil {
		t.Fatal(err)
	}
	net, err := nn.New(nn.Gaussian{Precision: 1}, nn.Vector(1), nn.Dense{Out: 1})
	if err != nil {
		t.Fatal(err)
	}
	ss := 0.0
	for _, v := range x {
		ss += v * v
	}
	exact := 1 / math.Sqrt(ss+1)
	ratio := map[string]float64{}
	for _, c := range []struct {
		method vadam.Method
		batch  int
	}{{vadam.Vadam, 1}, {vadam.Vadam, 16}, {vadam.Vadam, 64}, {vadam.VOGN, 64}, {vadam.IVON, 64}} {
		opt, err := vadam.New(make([]float64, 2), &vadam.Settings{Method: c.method, N: rows, Rate: 0.02, Beta2: 0.999, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		epochs := 12000 / (rows / c.batch)
		if _, err := nn.Train(context.Background(), net, data, opt, &nn.TrainSettings{Epochs: epochs, Batch: c.batch, Seed: 1}); err != nil {
			t.Fatal(err)
		}
		ratio[fmt.Sprintf("%v%d", c.method, c.batch)] = opt.SD(nil)[0] / exact
	}
	t.Log(ratio)
	if r := ratio["Vadam64"]; r < 3 || r > 8 {
		t.Errorf("Vadam, batches of 64: sd %.2f times the exact one", r)
	}
	if r := ratio["Vadam16"]; r < 2 || r > 4.5 {
		t.Errorf("Vadam, batches of 16: sd %.2f times the exact one", r)
	}
	for _, k := range []string{"Vadam1", "VOGN64", "IVON64"} {
		if r := ratio[k]; r < 0.85 || r > 1.2 {
			t.Errorf("%s: sd %.2f times the exact one", k, r)
		}
	}
}
