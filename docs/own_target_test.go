package docs_test

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/blas/blas64"
)

// expect returns E[f(θ)] under the posterior, from the draws of q by their
// importance weights.
func expect(res *vi.Result, f func(x []float64) float64) float64 {
	s := 0.0
	for i, l := range res.LogWeights {
		s += math.Exp(l) * f(res.Draws.RawRowView(i))
	}
	return s
}

// fitOrResume fits and keeps the state of the run at path; where there is one
// it goes on from there.
func fitOrResume(ctx context.Context, path string, q vi.Posterior, t *vi.Target) (*vi.Result, error) {
	s := &vi.Settings{Checkpoint: func(state []byte) error {
		if err := os.WriteFile(path+".new", state, 0o666); err != nil {
			return err
		}
		return os.Rename(path+".new", path)
	}}
	state, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return vi.Fit(ctx, q, t, s)
	}
	if err != nil {
		return nil, err
	}
	e, err := vi.Resume(q, t, s, state)
	if err != nil {
		return nil, err
	}
	return e.Run(ctx)
}

// coins is the share θ of heads under a beta prior, in closed form.
func coins(prior *expfam.Beta, heads []bool) *vi.Target {
	return &vi.Target{Dim: 1, N: len(heads), Conjugate: &vi.Conjugate{
		Prior: prior.Natural(nil),
		// log p(y | θ) = y log θ + (1 − y) log(1 − θ), and T(θ) = (log θ, log(1 − θ)).
		Lik: func(dst []float64, idx []int) {
			add := func(i int) {
				if heads[i] {
					dst[0]++
				} else {
					dst[1]++
				}
			}
			for _, i := range idx {
				add(i)
			}
			if idx == nil {
				for i := range heads {
					add(i)
				}
			}
		},
		Const: -prior.LogPartition(), // so that the ELBO is log p(D)
	}}
}

// counts is y_i ~ Poisson(exp(a + b·x_i)) with priors normal(0, 2) on a and b,
// as functions of the linear predictors a + b·x_i, a and b.
func counts(x, y []float64) *vi.Target {
	rows := blas64.General{Rows: len(x), Cols: 2, Stride: 2}
	for _, v := range x {
		rows.Data = append(rows.Data, 1, v)
	}
	poisson := vi.Term{Name: "counts", X: rows, Eval: func(lo int, eta, _ []float64, d *vi.Derivs) {
		for i, e := range eta {
			mu := math.Exp(e)
			if d.F != nil {
				logFact, _ := math.Lgamma(y[lo+i] + 1)
				d.F[i] = y[lo+i]*e - mu - logFact
			}
			if d.E != nil {
				d.E[i] = y[lo+i] - mu
			}
			if d.EE != nil {
				d.EE[i] = -mu
			}
		}
	}}
	prior := vi.Term{Name: "prior", Prior: true, Degree: 2,
		X: blas64.General{Rows: 2, Cols: 2, Stride: 2, Data: []float64{1, 0, 0, 1}},
		Eval: func(lo int, eta, _ []float64, d *vi.Derivs) {
			for i, e := range eta {
				if d.F != nil {
					d.F[i] = -e*e/8 - math.Log(2*math.Sqrt(2*math.Pi))
				}
				if d.E != nil {
					d.E[i] = -e / 4
				}
				if d.EE != nil {
					d.EE[i] = -1. / 4
				}
			}
		}}
	return &vi.Target{Dim: 2, N: len(x), Names: []string{"a", "b"}, Linear: &vi.Linear{Terms: []vi.Term{poisson, prior}}}
}

// The closed form is Bayes' rule: 7 heads of 10 with Beta(2, 3) are Beta(9, 6).
func TestOwnConjugate(t *testing.T) {
	heads := []bool{true, true, false, true, true, false, true, true, false, true}
	prior, err := expfam.NewBeta(2, 3)
	if err != nil {
		t.Fatal(err)
	}
	q, err := expfam.NewBeta(1, 1)
	if err != nil {
		t.Fatal(err)
	}
	res, err := vi.Fit(context.Background(), q, coins(prior, heads), nil)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(q.Alpha()-9) > 1e-10 || math.Abs(q.Beta()-6) > 1e-10 {
		t.Errorf("Beta(%v, %v), want Beta(9, 6)", q.Alpha(), q.Beta())
	}
	// log p(D) = log B(9, 6) − log B(2, 3) = log(8!·5!/14!) + log 12.
	if want := math.Log(12 * 40320. * 120 / 87178291200); math.Abs(res.ELBO-want) > 1e-9 {
		t.Errorf("ELBO %v, want log p(D) = %v", res.ELBO, want)
	}
}

// The linear form and a gradient of the same density agree.
func TestOwnLinear(t *testing.T) {
	x, y := []float64{-1, -0.5, 0, 0.5, 1, 1.5}, []float64{1, 0, 2, 3, 4, 9}
	lin := counts(x, y)
	q := expfam.StandardNormal(2)
	exact, err := vi.Fit(context.Background(), q, lin, nil)
	if err != nil {
		t.Fatal(err)
	}
	if exact.Method != vi.Quadrature || exact.Status != vi.Converged {
		t.Fatal(exact)
	}
	g := expfam.StandardNormal(2)
	drawn, err := vi.Fit(context.Background(), g, &vi.Target{Dim: 2, Grad: func(dst, th []float64) float64 {
		l := -(th[0]*th[0]+th[1]*th[1])/8 - 2*math.Log(2*math.Sqrt(2*math.Pi))
		dst[0], dst[1] = -th[0]/4, -th[1]/4
		for i, v := range x {
			mu := math.Exp(th[0] + th[1]*v)
			f, _ := math.Lgamma(y[i] + 1)
			l += y[i]*math.Log(mu) - mu - f
			dst[0] += y[i] - mu
			dst[1] += (y[i] - mu) * v
		}
		return l
	}}, &vi.Settings{Workers: 4})
	if err != nil {
		t.Fatal(err)
	}
	if d := exact.ELBO - drawn.ELBO; math.Abs(d) > 0.02+4*drawn.ELBOErr {
		t.Errorf("ELBO %v by quadrature, %v ± %v by draws", exact.ELBO, drawn.ELBO, drawn.ELBOErr)
	}
	if kl := q.KLTo(g); kl > 0.02 {
		t.Errorf("KL between the fits %v", kl)
	}
}

// A run that was cut off ends with the same bits as one that was not.
func TestOwnResume(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	calls := 0
	tg := &vi.Target{Dim: 2, Grad: func(dst, x []float64) float64 {
		if calls++; calls == 10 {
			cancel()
		}
		dst[0], dst[1] = -math.Sinh(x[0])+x[1], x[0]-4*x[1]
		return -math.Cosh(x[0]) + x[0]*x[1] - 2*x[1]*x[1]
	}}
	path := filepath.Join(t.TempDir(), "run.state")
	q := expfam.StandardNormal(2)
	if _, err := fitOrResume(ctx, path, q, tg); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want context.Canceled", err)
	}
	q = expfam.StandardNormal(2)
	res, err := fitOrResume(context.Background(), path, q, tg)
	if err != nil {
		t.Fatal(err)
	}
	whole := expfam.StandardNormal(2)
	if _, err := vi.Fit(context.Background(), whole, tg, nil); err != nil {
		t.Fatal(err)
	}
	for i, v := range whole.Natural(nil) {
		if got := q.Natural(nil)[i]; got != v {
			t.Errorf("η[%d] is %v after a resume, want %v", i, got, v)
		}
	}
	if mean := expect(res, func(x []float64) float64 { return x[0] }); math.Abs(mean) > 0.1 {
		t.Errorf("E[x] is %v, want 0", mean)
	}
}

// Every piece of Go on the page is code that is tested, and the output is that
// of the example.
func TestOwnTargetPage(t *testing.T) {
	read := func(path ...string) string {
		b, err := os.ReadFile(filepath.Join(path...))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	indent := regexp.MustCompile(`(?m)^[ \t]+`)
	flat := func(s string) string { return indent.ReplaceAllString(s, "") }
	page := read("own-target.md")
	example := filepath.Join(root, "examples", "decay")
	code := flat(read(example, "main.go") + read(example, "main_test.go") + read("own_target_test.go"))
	blocks := regexp.MustCompile("(?s)```go\n(.*?)\n```").FindAllStringSubmatch(page, -1)
	if len(blocks) < 7 {
		t.Errorf("only %d blocks of Go were found: does the pattern still match?", len(blocks))
	}
	for _, b := range blocks {
		if !strings.Contains(code, flat(b[1])) {
			t.Errorf("no tested code has\n%s", b[1])
		}
	}
	if !strings.Contains(page, flat(read(example, "main.go"))) && !strings.Contains(flat(page), flat(read(example, "main.go"))) {
		t.Error("own-target.md does not show all of examples/decay/main.go")
	}
	if out := read(example, "testdata", "output.txt"); !strings.Contains(page, out) {
		t.Errorf("own-target.md does not show the output\n%s", out)
	}
}

// The error that the page shows for a gradient that is not finite.
func TestOwnNames(t *testing.T) {
	bad := &vi.Target{Dim: 4, Names: []string{"log a", "log b", "c", "log sigma"}, Grad: func(dst, x []float64) float64 {
		copy(dst, []float64{0, math.NaN(), 0, 0})
		return 0
	}}
	_, err := vi.Start(bad, []float64{0, 1, 2, 3})
	var nf *vi.NonFiniteError
	if !errors.As(err, &nf) {
		t.Fatalf("error %v, want a NonFiniteError", err)
	}
	if page, rerr := os.ReadFile("own-target.md"); rerr != nil || !strings.Contains(string(page), err.Error()) {
		t.Errorf("own-target.md does not show %q (%v)", err, rerr)
	}
}

// TestOwnModule follows the section "From a module of your own": its commands
// make a module that builds and runs beside a checkout. Only the last two, go mod tidy and
// go run, are replaced by ones that need no network.
func TestOwnModule(t *testing.T) {
	page, err := os.ReadFile("own-target.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```sh\n(mkdir decay.*?)go mod tidy\n").FindSubmatch(page)
	if m == nil {
		t.Fatal("own-target.md has no commands that make a module")
	}
	checkout, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	run := func(dir, script string) string {
		t.Helper()
		c := exec.Command("sh", "-e", "-c", script)
		c.Dir, c.Env = dir, append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
		return string(out)
	}
	if err := os.Symlink(checkout, filepath.Join(dir, "natgrad")); err != nil {
		t.Fatal(err)
	}
	run(dir, string(m[1]))
	mod, err := os.ReadFile(filepath.Join(dir, "decay", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"require github.com/natgrad/natgrad v0.0.0", "replace github.com/natgrad/natgrad => ../natgrad"} {
		if !strings.Contains(string(mod), line) || !strings.Contains(string(page), line) {
			t.Errorf("%q is not both on the page and in\n%s", line, mod)
		}
	}
	for _, f := range []string{"examples/decay/main.go", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(f)))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "decay", filepath.Base(f)), b, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if out := run(filepath.Join(dir, "decay"), "go run ."); !strings.Contains(string(page), out) {
		t.Errorf("the program prints\n%s", out)
	}
}
