// Digits trains nets on 8×8 pictures of the digits 0 to 7 and asks how sure they
// are: of other pictures of these digits, and of what they have never seen.
//
//	go run ./examples/digits            the table, over five seeds
//	go run ./examples/digits -update    also writes it to docs/uncertainty.md and draws the pictures
package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"flag"
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/natgrad/natgrad/metrics"
	"github.com/natgrad/natgrad/nn"
	"github.com/natgrad/natgrad/vadam"
)

func main() {
	update := flag.Bool("update", false, "write docs/uncertainty.md and its pictures")
	seeds := flag.Int("seeds", 5, "number of seeds")
	flag.Parse()
	r, err := run(context.Background(), filepath.Join("testdata", "digits", "digits.csv.gz"), *seeds)
	if err == nil {
		fmt.Print(r.text())
	}
	if err == nil && *update {
		err = r.write("docs")
	}
	if err != nil {
		log.Fatal(err)
	}
}

const known = 8 // digits below are trained on

// pictures are rows of 64 grey values in [0, 1] with their digits.
type pictures struct {
	x [][]float64
	y []int
}

func load(path string) (*pictures, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	p := &pictures{}
	for s := bufio.NewScanner(z); s.Scan(); {
		fields := strings.Split(s.Text(), ",")
		if len(fields) != 65 {
			return nil, fmt.Errorf("%s: line %d has %d fields, want 65", path, len(p.y)+1, len(fields))
		}
		row := make([]float64, 65)
		for j, field := range fields {
			if row[j], err = strconv.ParseFloat(field, 64); err != nil {
				return nil, fmt.Errorf("%s: line %d: %w", path, len(p.y)+1, err)
			}
		}
		for j := range 64 {
			row[j] /= 16
		}
		p.x, p.y = append(p.x, row[:64]), append(p.y, int(row[64]))
	}
	return p, nil
}

// task is the data of a seed: half of the known digits to train, the other half to
// test, and pictures of nothing that was trained on.
type task struct {
	train, test *nn.Data
	strange     []strange
}

type strange struct {
	name string
	x    []float64
}

func (p *pictures) task(seed uint64) (*task, error) {
	rng := rand.New(rand.NewPCG(seed, 11))
	var x [2][]float64
	var y [2][]float64
	var unseen []float64
	for k, i := range rng.Perm(len(p.y)) {
		if p.y[i] >= known {
			unseen = append(unseen, p.x[i]...)
			continue
		}
		x[k%2], y[k%2] = append(x[k%2], p.x[i]...), append(y[k%2], float64(p.y[i]))
	}
	t := &task{}
	var err error
	if t.train, err = nn.NewData(x[0], y[0], len(y[0])); err != nil {
		return nil, err
	}
	if t.test, err = nn.NewData(x[1], y[1], len(y[1])); err != nil {
		return nil, err
	}
	inverted, shuffled := make([]float64, len(x[1])), make([]float64, len(x[1]))
	for i, v := range x[1] {
		inverted[i] = 1 - v
	}
	for i := 0; i < len(shuffled); i += 64 {
		for j, k := range rng.Perm(64) {
			shuffled[i+j] = x[1][i+k]
		}
	}
	t.strange = []strange{{"digits 8 and 9", unseen}, {"inverted", inverted}, {"shuffled pixels", shuffled}}
	return t, nil
}

// learner is a column of the table.
type learner struct {
	name     string
	settings vadam.Settings
	members  int
	conv     bool
	cold     float64 // ESS as a multiple of the rows, if not 0
}

var learners = []learner{
	{name: "single net", settings: vadam.Settings{Method: vadam.Adam, PriorPrec: 1}},
	{name: "ensemble of 5", settings: vadam.Settings{Method: vadam.Adam, PriorPrec: 1}, members: 5},
	{name: "Vadam", settings: vadam.Settings{Method: vadam.Vadam, PriorPrec: 1}},
	{name: "VOGN", settings: vadam.Settings{Method: vadam.VOGN, PriorPrec: 1}},
	{name: "IVON", settings: vadam.Settings{Method: vadam.IVON, PriorPrec: 1}},
	{name: "5 × IVON", settings: vadam.Settings{Method: vadam.IVON, PriorPrec: 1}, members: 5},
	{name: "IVON, ESS 20 N", settings: vadam.Settings{Method: vadam.IVON, PriorPrec: 1}, cold: 20},
	{name: "single conv net", settings: vadam.Settings{Method: vadam.Adam, PriorPrec: 1}, conv: true},
	{name: "IVON, conv net", settings: vadam.Settings{Method: vadam.IVON, PriorPrec: 1}, conv: true},
}

func (l *learner) net() (*nn.Net, *nn.Net32, error) {
	in, layers := nn.Vector(64), []nn.Layer{nn.Dense{Out: 100, Act: nn.ReLU}, nn.Dense{Out: known}}
	if l.conv {
		in = nn.Image(1, 8, 8)
		layers = []nn.Layer{nn.Conv2D{Out: 16, Kernel: 3, Pad: 1, Act: nn.ReLU}, nn.MaxPool{Size: 2}, nn.Dense{Out: 50, Act: nn.ReLU}, nn.Dense{Out: known}}
	}
	net, err := nn.New(nn.Softmax{}, in, layers...)
	if err != nil {
		return nil, nil, err
	}
	net32, err := nn.New32(nn.Softmax{}, in, layers...)
	return net, net32, err
}

// column is what a learner did, a number a seed.
type column struct {
	accuracy, logLik, brier, ece []float64
	entropy                      []float64   // mean, of test pictures
	auroc, fpr                   [][]float64 // by kind of strange picture
	strangeEntropy               [][]float64
	verdict                      string
	bins                         []metrics.Bin // of the first seed
	in, out                      []float64     // entropies of the first seed: test, digits 8 and 9
}

type result struct {
	kinds   []string
	columns []*column
	seeds   int
}

func run(ctx context.Context, path string, seeds int) (*result, error) {
	p, err := load(path)
	if err != nil {
		return nil, err
	}
	r := &result{seeds: seeds}
	for range learners {
		r.columns = append(r.columns, &column{})
	}
	for seed := range uint64(seeds) {
		t, err := p.task(seed)
		if err != nil {
			return nil, err
		}
		for i := range learners {
			if err := learners[i].do(ctx, t, seed, r.columns[i]); err != nil {
				return nil, fmt.Errorf("%s: %w", learners[i].name, err)
			}
		}
		if seed == 0 {
			for _, s := range t.strange {
				r.kinds = append(r.kinds, s.name)
			}
		}
	}
	return r, nil
}

const epochs = 100

func (l *learner) do(ctx context.Context, t *task, seed uint64, c *column) error {
	net, net32, err := l.net()
	if err != nil {
		return err
	}
	settings := l.settings
	settings.ESS = l.cold * float64(t.train.Rows)
	var qs []*vadam.Posterior
	for m := range max(l.members, 1) {
		fit, err := vadam.Fit32(ctx, net32, t.train, &vadam.FitSettings{Optimizer: settings, Epochs: epochs, Seed: 100*seed + uint64(m)})
		if err != nil {
			return err
		}
		qs = append(qs, fit.Posterior)
		if seed == 0 {
			c.verdict = fit.Verdict()
		}
	}
	predict := func(x []float64) (*vadam.Prediction, error) {
		return vadam.PredictMixture(ctx, net, qs, x, &vadam.PredictSettings{Draws: 100, Seed: seed, Workers: 2})
	}
	in, err := predict(t.test.X)
	if err != nil {
		return err
	}
	s, err := in.Score(t.test.Y)
	if err != nil {
		return err
	}
	c.accuracy, c.logLik, c.brier, c.ece = append(c.accuracy, s.Accuracy), append(c.logLik, s.LogLik), append(c.brier, s.Brier), append(c.ece, s.ECE)
	c.entropy = append(c.entropy, mean(in.Entropy))
	if seed == 0 {
		if c.bins, err = metrics.Reliability(in.Probs, known, t.test.Y, 10); err != nil {
			return err
		}
		c.in = in.Entropy
	}
	sure := negative(in.Entropy)
	for k, kind := range t.strange {
		out, err := predict(kind.x)
		if err != nil {
			return err
		}
		if len(c.auroc) == k {
			c.auroc, c.fpr, c.strangeEntropy = append(c.auroc, nil), append(c.fpr, nil), append(c.strangeEntropy, nil)
		}
		a, err := metrics.AUROC(sure, negative(out.Entropy))
		if err != nil {
			return err
		}
		f, err := metrics.FPRAtTPR(sure, negative(out.Entropy), 0.95)
		if err != nil {
			return err
		}
		c.auroc[k], c.fpr[k] = append(c.auroc[k], a), append(c.fpr[k], f)
		c.strangeEntropy[k] = append(c.strangeEntropy[k], mean(out.Entropy))
		if seed == 0 && k == 0 {
			c.out = out.Entropy
		}
	}
	return nil
}

func negative(x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = -v
	}
	return y
}

func mean(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v / float64(len(x))
	}
	return s
}

func cell(x []float64, scale float64, digits int) string {
	m, se, err := metrics.MeanSE(x)
	if err != nil {
		return "-"
	}
	if len(x) > 1 { // of the mean, from the sample's own deviation
		se *= math.Sqrt(float64(len(x)) / float64(len(x)-1))
	}
	return fmt.Sprintf("%.*f ± %.*f", digits, scale*m, digits, scale*se)
}

// table has a row a learner.
func (r *result) table() [][]string {
	head := []string{"", "accuracy %", "log-likelihood", "Brier", "ECE", "entropy"}
	for _, k := range r.kinds {
		head = append(head, "AUROC: "+k, "FPR95")
	}
	rows := [][]string{head}
	for i, c := range r.columns {
		row := []string{learners[i].name, cell(c.accuracy, 100, 1), cell(c.logLik, 1, 3), cell(c.brier, 1, 3), cell(c.ece, 1, 3), cell(c.entropy, 1, 2)}
		for k := range r.kinds {
			row = append(row, cell(c.auroc[k], 1, 3), cell(c.fpr[k], 1, 2))
		}
		rows = append(rows, row)
	}
	return rows
}

func (r *result) text() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range r.table() {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	w.Flush()
	for i, c := range r.columns {
		fmt.Fprintf(&b, "%s: %s\n", learners[i].name, c.verdict)
	}
	return b.String()
}
