package model

import (
	"bytes"
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/autodiff"
	"github.com/natgrad/natgrad/constraint"
	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/report"
	"github.com/natgrad/natgrad/vi"
)

var heights = []float64{1.2, 0.7, 2.9, 1.8, 2.2, 0.4, 1.9, 1.1}

// normalModel has the posterior of a normal sample with a conjugate-like flat prior on mu
// and log sigma.
func normalModel(t *testing.T) *Model {
	t.Helper()
	m, err := New([]Param{Real("mu").From(1), Positive("sigma").From(2)}, func(s *Scope) {
		mu, sigma := s.Get("mu"), s.Get("sigma")
		s.Add("heights", autodiff.NormalLogProb(heights, mu, sigma))
		s.Add("prior of sigma", sigma.Log().Neg())
		s.Derive("cv", sigma.Div(mu.Exp()))
		s.Derive("ends", autodiff.Add(mu, autodiff.Mul([]float64{-2, 2}, sigma)))
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestStudentPosterior compares a fit with the closed form: mu has Student's t
// distribution with n−1 degrees of freedom, Σ(y−ȳ)²/σ² is χ² with as many.
func TestStudentPosterior(t *testing.T) {
	m := normalModel(t)
	p, err := m.Fit(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	n := float64(len(heights))
	mean, ss := 0.0, 0.0
	for _, y := range heights {
		mean += y / n
	}
	for _, y := range heights {
		ss += (y - mean) * (y - mean)
	}
	nu := n - 1
	mu, err := p.Marginal("mu")
	if err != nil {
		t.Fatal(err)
	}
	sd := math.Sqrt(ss / n / nu * nu / (nu - 2))
	if math.Abs(mu.Mean-mean) > 4*mu.MeanErr || math.Abs(mu.SD/sd-1) > 0.06 {
		t.Errorf("mu: %.4f ± %.4f (sd %.4f), want %.4f (sd %.4f)", mu.Mean, mu.MeanErr, mu.SD, mean, sd)
	}
	// E σ² = ss/(nu−2), through a function of the draws.
	got, se := p.Expect(func(v []float64) float64 { return v[1] * v[1] })
	if want := ss / (nu - 2); math.Abs(got-want) > 5*se+0.01*want {
		t.Errorf("E σ² = %.4f ± %.4f, want %.4f", got, se, want)
	}
	// 2.3646 is the 97.5 % point of t with 7 degrees of freedom.
	if q, want := mu.Quantile(0.975), mean+2.3646*math.Sqrt(ss/n/nu); math.Abs(q-want) > 0.06 {
		t.Errorf("97.5 %% point %.4f, want %.4f", q, want)
	}
	if b := mu.Below(mu.Quantile(0.3)); math.Abs(b-0.3) > 0.01 {
		t.Errorf("P(mu < 30 %% point) = %v", b)
	}
	if p.Grade() != vi.Good {
		t.Errorf("verdict %s", p.Verdict())
	}
	for _, want := range []string{"mu", "sigma", "cv", "ends[1]", "ends[2]", "good:"} {
		if !strings.Contains(p.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, p)
		}
	}
	if _, err := p.Marginal("nu"); err == nil || !strings.Contains(err.Error(), "mu, sigma, cv") {
		t.Errorf("unknown name: %v", err)
	}
	var csv bytes.Buffer
	if err := p.WriteCSV(&csv, 50, 1); err != nil {
		t.Fatal(err)
	}
	d, err := report.ReadDraws(&csv)
	if err != nil || len(d.Names) != 5 || d.Names[4] != "ends[2]" {
		t.Errorf("names in the file: %v, %v", d.Names, err)
	}
	rep, err := p.Predict(20, 3, func(v []float64) []float64 { return []float64{v[0], v[0] + v[1]} })
	if r, c := rep.Dims(); err != nil || r != 20 || c != 2 || rep.At(3, 1) <= rep.At(3, 0) {
		t.Errorf("predictions: %d×%d, %v", r, c, err)
	}
	if p.Plot().SVG() == "" || mu.Plot().SVG() == "" || p.SimpleRender()["text/html"] == nil {
		t.Error("no picture or table")
	}
	if (*Posterior)(nil).String() != "" || (*Posterior)(nil).Plot().SVG() == "" || (&Posterior{}).SimpleRender() == nil {
		t.Error("empty posteriors must render")
	}
}

func TestSingleFit(t *testing.T) {
	m := normalModel(t)
	start, err := m.Start()
	if err != nil || start[0] != 1 || math.Abs(start[1]-math.Log(2)) > 1e-15 {
		t.Fatalf("start %v, %v", start, err)
	}
	q := expfam.StandardNormal(2)
	res, err := vi.Fit(context.Background(), q, m.Target(), nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Posterior(res)
	if err != nil {
		t.Fatal(err)
	}
	if p.Verdict() != res.Verdict() || p.Climb != nil {
		t.Error("the verdict is not the fit's")
	}
	if _, err := m.Posterior(nil); err == nil {
		t.Error("no fit: no error")
	}
}

func TestLayout(t *testing.T) {
	m, err := New([]Param{
		Real("a"), Positive("b", 2), Simplex("c", 3), Ordered("d", 2, 2), CorrCholesky("L", 2), Interval("e", -1, 1),
	}, func(s *Scope) {
		s.Add("c", s.Get("c").Log().Sum())
		s.Add("d", autodiff.NormalLogProb(s.Get("d"), 0, 1))
		s.Add("rest", autodiff.NormalLogProb(s.Get("b"), s.Get("a"), 1))
		s.Add("L", s.Get("L").Sum())
		s.Add("e", s.Get("e").Square())
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(m.Names(), " "), "a b[1] b[2] c[1] c[2] c[3] d[1,1] d[1,2] d[2,1] d[2,2] L[1,1] L[1,2] L[2,1] L[2,2] e"; got != want {
		t.Errorf("names %s\nwant  %s", got, want)
	}
	if m.Dim() != 1+2+2+4+1+1 || len(m.FreeNames()) != m.Dim() {
		t.Errorf("dimension %d, names %q", m.Dim(), m.FreeNames())
	}
	x := []float64{0.3, -1, 0.5, 0.2, -0.4, 1, 0.1, -1, 0.7, 0.6, 0.9}
	v := m.Constrain(x)
	vals := map[string][]float64{"a": v[:1], "b": v[1:3], "c": v[3:6], "d": v[6:10], "L": v[10:14], "e": v[14:]}
	back, err := m.Unconstrain(vals)
	if err != nil {
		t.Fatal(err)
	}
	jac := 0.0
	for i := range x {
		if math.Abs(back[i]-x[i]) > 1e-12 {
			t.Errorf("coordinate %d: %v, want %v", i, back[i], x[i])
		}
	}
	// The density by hand: terms at the constrained values plus every Jacobian.
	y := make([]float64, 4)
	for _, c := range []struct {
		c      constraint.Constraint
		lo, hi int
	}{{constraint.Positive(), 1, 2}, {constraint.Positive(), 2, 3}, {constraint.Simplex(3), 3, 5}, {constraint.Ordered(2), 5, 7}, {constraint.Ordered(2), 7, 9},
		{constraint.CorrCholesky(2), 9, 10}, {constraint.Interval(-1, 1), 10, 11}} {
		jac += c.c.Constrain(y[:c.c.Size()], x[c.lo:c.hi])
	}
	norm := func(y, mu float64) float64 { return -(y-mu)*(y-mu)/2 - math.Log(2*math.Pi)/2 }
	want := jac + math.Log(v[3]*v[4]*v[5]) + v[10] + v[11] + v[12] + v[13] + v[14]*v[14]
	for _, d := range v[6:10] {
		want += norm(d, 0)
	}
	want += norm(v[1], v[0]) + norm(v[2], v[0])
	if got := m.Target().LogProb(x); math.Abs(got-want) > 1e-12 {
		t.Errorf("log density %v, want %v", got, want)
	}
	delete(vals, "e")
	if _, err := m.Unconstrain(vals); err == nil || !strings.Contains(err.Error(), `parameter "e": 0 values; want 1`) {
		t.Errorf("a value that is missing: %v", err)
	}
	vals["e"] = []float64{2}
	var violation *constraint.ViolationError
	if _, err := m.Unconstrain(vals); !errors.As(err, &violation) {
		t.Errorf("a value outside its interval: %v", err)
	}
}

func TestErrors(t *testing.T) {
	ok := func(s *Scope) { s.Add("a", s.Get("a").Sum()) }
	for want, f := range map[string]func() (*Model, error){
		`there is none; want one parameter or more`:                func() (*Model, error) { return New(nil, ok) },
		`parameter "a": parameters 0 and 1 have this name`:         func() (*Model, error) { return New([]Param{Real("a"), Positive("a")}, ok) },
		`parameter 1 has no name`:                                  func() (*Model, error) { return New([]Param{Real("a"), Positive("")}, ok) },
		`without brackets`:                                         func() (*Model, error) { return New([]Param{Real("a[1]")}, ok) },
		`the size is [0]`:                                          func() (*Model, error) { return New([]Param{Real("a", 0)}, ok) },
		`the size is [1 2]`:                                        func() (*Model, error) { return New([]Param{Real("a", 1, 2)}, ok) },
		`constraint: Interval: hi is 1`:                            func() (*Model, error) { return New([]Param{Interval("a", 2, 1)}, ok) },
		`2 start values; want 1`:                                   func() (*Model, error) { return New([]Param{Real("a").From(1, 2)}, ok) },
		`parameter "a": its start: constraint: positive`:           func() (*Model, error) { return New([]Param{Positive("a").From(-1)}, ok) },
		`parameter "b": there is none of this name; want one of a`: func() (*Model, error) { return New([]Param{Real("a")}, func(s *Scope) { s.Get("b") }) },
		`"logProb": is nil`:                                        func() (*Model, error) { return New([]Param{Real("a")}, nil) },
		`it added no term`:                                         func() (*Model, error) { return New([]Param{Positive("a")}, func(s *Scope) {}) },
		`a term of 2 numbers; want a scalar`:                       func() (*Model, error) { return New([]Param{Real("a", 2)}, func(s *Scope) { s.Add("x", s.Get("a")) }) },
		`parameter "a"; want a name that no parameter`:             func() (*Model, error) { return New([]Param{Real("a")}, func(s *Scope) { s.Derive("a", s.Get("a")) }) },
		`parameter "b": no term of the log density depends on it`: func() (*Model, error) {
			return New([]Param{Real("a"), Positive("b", 2)}, func(s *Scope) { s.Derive("c", s.Get("b").Add(s.Get("a"))); s.Add("a", s.Get("a")) })
		},
		`parameter "a[1]"; want a name without brackets`: func() (*Model, error) {
			return New([]Param{Real("a", 2)}, func(s *Scope) { s.Derive("a[1]", s.Get("a")) })
		},
		`autodiff: Add: b is a vector of 3, a is a vector of 2`: func() (*Model, error) {
			return New([]Param{Real("a", 2)}, func(s *Scope) { s.Get("a").Add([]float64{1, 2, 3}) })
		},
		`an array of 2 matrices`: func() (*Model, error) { p := Covariance("a", 2); p.Size = 2; return New([]Param{p}, ok) },
		`index out of range`: func() (*Model, error) {
			return New([]Param{Real("a")}, func(s *Scope) { _ = heights[s.Get("a").Len()+20] })
		},
	} {
		m, err := f()
		if err == nil || m != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got  %v\nwant … %s …", err, want)
		}
		var p *vi.PanicError
		if want == `index out of range` && (!errors.As(err, &p) || !strings.Contains(string(p.Stack), "TestErrors")) {
			t.Errorf("a panic comes without its stack: %v", err)
		}
	}
}

func TestExplain(t *testing.T) {
	m, err := New([]Param{Real("a"), Positive("tau")}, func(s *Scope) {
		s.Add("data", autodiff.NormalLogProb(heights, s.Get("a"), s.Get("tau")))
		s.Add("prior of a", s.Get("a").Sqrt())
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Explain([]float64{-1, 0}); err == nil || !strings.Contains(err.Error(), `term "prior of a": Sqrt(a = -1) is NaN`) {
		t.Errorf("explained as %v", err)
	}
}

// TestDeriveAlike checks that a density that branches cannot mix up derived quantities.
func TestDeriveAlike(t *testing.T) {
	m, err := New([]Param{Real("a")}, func(s *Scope) {
		a := s.Get("a")
		s.Add("heights", autodiff.NormalLogProb(heights, a, 1))
		if a.Value() < 1 {
			s.Derive("u", a)
		}
		s.Derive("v", a.Neg())
	})
	if err != nil {
		t.Fatal(err)
	}
	var p *ParamError
	if _, err := m.Fit(context.Background(), nil); !errors.As(err, &p) || !strings.Contains(err.Error(), "it derives [v], first it was [u v]") {
		t.Errorf("other derived quantities in a later call: %v", err)
	}
	defer func() {
		if r := recover(); r != "model: Constrain: x has length 2, the model 1 coordinates" {
			t.Errorf("panic %v", r)
		}
	}()
	m.Constrain([]float64{0, 1})
}

// TestReplayed checks that what New looks at does not make the density one that is
// recorded at every call.
func TestReplayed(t *testing.T) {
	calls := 0
	m, err := New([]Param{Real("a"), Positive("s")}, func(s *Scope) {
		calls++
		s.Add("heights", autodiff.NormalLogProb(heights, s.Get("a"), s.Get("s")))
	})
	if err != nil {
		t.Fatal(err)
	}
	tgt := m.Target()
	for i := range 1000 {
		tgt.LogProb([]float64{float64(i), 0})
	}
	if calls > 12 {
		t.Errorf("%d calls", calls)
	}
}

func TestNotFinite(t *testing.T) {
	panics := false
	m, err := New([]Param{Real("a")}, func(s *Scope) {
		a := s.Get("a")
		if a.Value() > 0 && panics {
			panic("too late")
		}
		s.Add("heights", autodiff.NormalLogProb(heights, a, 1))
		s.Derive("log a", a.Sub(1.5).Log())
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Fit(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if s := p.String(); !strings.Contains(s, "; log a is not finite in ") || strings.Contains(s, "; a is not") {
		t.Errorf("the table does not say what is not finite:\n%s", s)
	}
	panics = true
	var e *vi.PanicError
	if p, err := m.Posterior(p.Fit); p != nil || !errors.As(err, &e) || e.Value != "too late" {
		t.Errorf("a panic behind the fit: %v, %v", p, err)
	}
}
