package vadam

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/nn"
)

// plain are settings of a method for tests.
func plain(m Method) Settings {
	s := Settings{Method: m, Seed: 8, Rate: 0.01, Beta2: 0.9}
	if methods[m].uses&useN != 0 {
		s.N = 40
	}
	return s
}

func TestBadSettings(t *testing.T) {
	inf := math.Inf(1)
	groups := func(g ...Group) Settings { return Settings{N: 9, Groups: g} }
	for _, c := range []struct {
		s     Settings
		param string
	}{
		{Settings{}, "N"},
		{Settings{N: -3}, "N"},
		{Settings{Method: -1, N: 9}, "Method"},
		{Settings{Method: numMethods, N: 9}, "Method"},
		{Settings{N: 9, ESS: -2}, "ESS"},
		{Settings{N: 9, ESS: inf}, "ESS"},
		{Settings{N: 9, Rate: -1}, "Rate"},
		{Settings{N: 9, Rate: nan}, "Rate"},
		{Settings{N: 9, Beta1: 1}, "Beta1"},
		{Settings{N: 9, Beta2: 1}, "Beta2"},
		{Settings{N: 9, Beta2: -0.5}, "Beta2"},
		{Settings{N: 9, PriorPrec: -2}, "PriorPrec"},
		{Settings{N: 9, PriorPrec: inf}, "PriorPrec"},
		{Settings{N: 9, PriorPrecs: []float64{1, -1, 1}}, "PriorPrecs"},
		{Settings{N: 9, Method: Vadam, PriorPrec: 1, InitPrec: 0.5}, "InitPrec"},
		{Settings{N: 9, Method: Vprop, PriorPrec: 1, InitPrec: 0.5}, "InitPrec"},
		{Settings{N: 9, PriorPrec: 1, InitPrec: 0.5}, "InitPrec"},
		{Settings{N: 9, InitPrec: -1}, "InitPrec"},
		{Settings{N: 9, InitPrec: 3, InitCurvature: 1}, "InitPrec"},
		{Settings{N: 9, InitCurvature: -2}, "InitCurvature"},
		{Settings{N: 9, Method: Vadam, PriorPrec: Zero}, "InitCurvature"},
		{Settings{N: 9, ClipRadius: -1}, "ClipRadius"},
		{Settings{N: 9, Method: MomentumVOGN, Temperature: -1}, "Temperature"},
		{Settings{N: 9, Method: MomentumVOGN, Beta2: 0.5, Temperature: 3}, "Temperature"},
		{Settings{N: 9, Method: MomentumVOGN, Damping: -1}, "Damping"},
		{Settings{N: 9, Method: Adam, Epsilon: -1}, "Epsilon"},
		{Settings{N: 9, Draws: -1}, "Draws"},
		{Settings{N: 9, Draws: 3, Antithetic: true}, "Draws"},
		{groups(Group{"a", 0, 2, 0}, Group{"b", 1, 3, 0}), "Groups"},
		{groups(Group{"a", 0, 4, 0}), "Groups"},
		{groups(Group{"a", 1, 1, 0}), "Groups"},
		{groups(Group{"a", 0, 2, -2}), "Groups.PriorPrec"},
		// fields of other methods
		{Settings{Method: VadaGrad, N: 9}, "N"},
		{Settings{Method: VadamVO, N: 9}, "N"},
		{Settings{Method: VadaGrad, PriorPrec: 1}, "PriorPrec"},
		{Settings{Method: VadaGrad, Groups: []Group{{"a", 0, 2, 1}}}, "Groups.PriorPrec"},
		{Settings{N: 9, Method: Vprop, Beta1: 0.9}, "Beta1"},
		{Settings{N: 9, Temperature: 2}, "Temperature"},
		{Settings{N: 9, Damping: 2}, "Damping"},
		{Settings{N: 9, MinPrec: 2}, "MinPrec"},
		{Settings{N: 9, Epsilon: 2}, "Epsilon"},
		{Settings{N: 9, Method: Vadam, ClipRadius: 2}, "ClipRadius"},
		{Settings{N: 9, Method: Vadam, NoRescale: true}, "NoRescale"},
		{Settings{N: 9, Method: Vadam, GradSquared: true}, "GradSquared"},
		{Settings{N: 9, Method: Vprop, NoDebias: true}, "NoDebias"},
		{Settings{N: 9, CorrectData: true}, "CorrectData"},
		{Settings{N: 9, Method: Vadam, CorrectData: true, NoDebias: true}, "CorrectData"},
		{Settings{N: 9, Method: Adam, Draws: 2}, "Draws"},
		{Settings{N: 9, Method: Adam, InitPrec: 2}, "InitPrec"},
		{Settings{N: 9, PriorPrecs: []float64{1, 1, 1}, Groups: []Group{{"a", 0, 2, 2}}}, "Groups.PriorPrec"},
		// schedules
		{Settings{N: 9, RateAt: func(int) float64 { return -1 }}, "RateAt"},
		{Settings{N: 9, ESSAt: func(int) float64 { return 0 }}, "ESSAt"},
		{Settings{N: 9, PriorAt: func(int) float64 { return nan }}, "PriorAt"},
		{Settings{N: 9, Beta2: 0.5, CurvatureRateAt: func(int) float64 { return 3 }}, "CurvatureRateAt"},
	} {
		_, err := New([]float64{1, 2, 3}, &c.s)
		var e *expfam.DomainError
		if !errors.As(err, &e) || e.Param != c.param {
			t.Errorf("%+v: error %v, want a DomainError of %s", c.s, err, c.param)
		}
	}
	for _, mu := range [][]float64{{}, {1, math.NaN()}, {math.Inf(-1)}} {
		var e *expfam.DomainError
		if _, err := New(mu, &Settings{N: 9}); !errors.As(err, &e) {
			t.Errorf("mean %v: error %v", mu, err)
		}
	}
	if _, err := New([]float64{1}, nil); err == nil {
		t.Error("nil settings lack N and were taken")
	}
	panics(t, "PriorPrecs", func() { _, _ = New([]float64{1}, &Settings{N: 9, PriorPrecs: []float64{1, 2}}) })
	o, err := New([]float64{1}, &Settings{N: 9})
	if err != nil {
		t.Fatal(err)
	}
	panics(t, "Mean", func() { o.Mean(make([]float64, 2)) })
	panics(t, "SD", func() { o.SD(make([]float64, 2)) })
	panics(t, "Sample", func() { o.Sample(make([]float64, 2), 0, 0) })
}

func panics(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s of a wrong length did not panic", what)
		}
	}()
	f()
}

// TestPriors: groups, a vector and one number state the same priors.
func TestPriors(t *testing.T) {
	a := run(t, Settings{N: 20, PriorPrecs: []float64{0.5, 3, 3}}, 5)
	b := run(t, Settings{N: 20, PriorPrec: 3, Groups: []Group{{"first", 0, 1, 0.5}}}, 5)
	same(t, "mean", a.Mean(nil), b.Mean(nil))
	same(t, "sd", a.SD(nil), b.SD(nil))
	same(t, "prior precision", a.PriorPrec(nil), []float64{0.5, 3, 3})
	if a.KL() != b.KL() {
		t.Error("KL differs")
	}
	c := run(t, Settings{N: 20, PriorPrec: 3, Groups: []Group{{"first", 0, 1, Zero}}}, 5)
	same(t, "flat prior", c.PriorPrec(nil), []float64{0, 3, 3})
	if !math.IsInf(c.KL(), 1) {
		t.Errorf("KL to a flat prior is %v", c.KL())
	}
}

// TestAdam compares with the textbook's formulas, and its limit with the mode.
func TestAdam(t *testing.T) {
	o, err := New([]float64{1, -1, 2}, &Settings{Method: Adam, N: 10, Rate: 0.02, PriorPrec: 2})
	if err != nil {
		t.Fatal(err)
	}
	w, m, v := []float64{1, -1, 2}, make([]float64, 3), make([]float64, 3)
	for k := 1; k <= 30; k++ {
		obj := noisy(k)
		if err := o.Step(obj); err != nil {
			t.Fatal(err)
		}
		g := make([]float64, 3)
		if _, err := obj.Grad(g, w); err != nil {
			t.Fatal(err)
		}
		for i := range w {
			g[i] += 0.2 * w[i]
			m[i] = 0.9*m[i] + 0.1*g[i]
			v[i] = 0.999*v[i] + 0.001*g[i]*g[i]
			mh, vh := m[i]/(1-math.Pow(0.9, float64(k))), v[i]/(1-math.Pow(0.999, float64(k)))
			w[i] -= 0.02 * mh / (math.Sqrt(vh) + 1e-8)
		}
	}
	closeTo(t, "weights", o.Mean(nil), w, 1e-12)
	same(t, "sd", o.SD(nil), make([]float64, 3))
	same(t, "sample", o.Sample(nil, 1, 2), o.Mean(nil))
	if _, err := o.Posterior(); err == nil {
		t.Error("Adam has a posterior")
	}
}

// TestRefusedStep: whatever is not finite is an error that says where, and the
// state stays bitwise what it was, so that the run goes on as if nothing had been.
func TestRefusedStep(t *testing.T) {
	boom := errors.New("boom")
	for m := range numMethods {
		s := plain(m)
		s.Groups = []Group{{"W1", 0, 2, 0}, {"b1", 2, 3, 0}}
		for name, c := range map[string]struct {
			spoil func(g, extra []float64) (float64, error)
			what  string
			index int
		}{
			"error":    {func(g, e []float64) (float64, error) { return 0, boom }, "objective", -1},
			"loss":     {func(g, e []float64) (float64, error) { return nan, nil }, "loss", -1},
			"both":     {func(g, e []float64) (float64, error) { g[2] = nan; return nan, nil }, "loss", 2},
			"NaN":      {func(g, e []float64) (float64, error) { g[2] = nan; return 0, nil }, "gradient", 2},
			"Inf":      {func(g, e []float64) (float64, error) { g[2] = math.Inf(-1); return 0, nil }, "gradient", 2},
			"extra":    {func(g, e []float64) (float64, error) { e[1] = nan; return 0, nil }, "curvature", 1},
			"negative": {func(g, e []float64) (float64, error) { e[1] = -1e9; return 0, nil }, "precision", 1},
			"overflow": {func(g, e []float64) (float64, error) { g[1] = 1e200; return 0, nil }, "curvature", 1},
		} {
			curv := methods[m].curv
			given := curv == hessian || curv == exampleSquare // the objective gives the curvature
			if (name == "extra" || name == "negative") && !given || name == "overflow" && (given || curv == price) {
				continue
			}
			t.Run(fmt.Sprint(m, "/", name), func(t *testing.T) {
				o := run(t, s, 3)
				before, err := o.MarshalBinary()
				if err != nil {
					t.Fatal(err)
				}
				good := noisy(3)
				wrong := func(g, extra []float64) (float64, error) {
					if f, err := c.spoil(g, extra); err != nil || f != f {
						return f, err
					}
					return 0, nil
				}
				err = o.Step(&nn.Objective{
					Grad: func(g, w []float64) (float64, error) {
						_, _ = good.Grad(g, w)
						return wrong(g, nil)
					},
					GradSq:   func(g, e, w []float64) (float64, error) { _, _ = good.GradSq(g, e, w); return wrong(g, e) },
					GradHess: func(g, e, w []float64) (float64, error) { _, _ = good.GradHess(g, e, w); return wrong(g, e) },
				})
				var e *StepError
				if !errors.As(err, &e) {
					t.Fatalf("error %v, want a StepError", err)
				}
				if m == Adam && c.what == "curvature" {
					c.what = e.What // it squares the gradient itself
				}
				if e.What != c.what || e.Index != c.index || e.Step != 4 {
					t.Errorf("error %q: %s[%d] at step %d, want %s[%d] at 4", err, e.What, e.Index, e.Step, c.what, c.index)
				}
				if want := []string{"", "W1", "W1", "b1"}[c.index+1]; e.Group != want || !strings.Contains(err.Error(), want) {
					t.Errorf("error %q names group %q, want %q", err, e.Group, want)
				}
				if c.what == "objective" && !errors.Is(err, boom) {
					t.Errorf("error %q does not wrap its cause", err)
				}
				after, err := o.MarshalBinary()
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(before, after) {
					t.Error("the state has changed")
				}
				if err := o.Step(good); err != nil {
					t.Fatal(err)
				}
				same(t, "the run after it", o.Mean(nil), run(t, s, 4).Mean(nil))
			})
		}
	}
	o := run(t, plain(VOGN), 0)
	var e *StepError
	if err := o.Step(&nn.Objective{Grad: noisy(0).Grad}); !errors.As(err, &e) || !strings.Contains(err.Error(), "GradSq") {
		t.Errorf("VOGN without GradSq: error %v", err)
	}
}

// TestResume stops runs after every step and goes on from the bytes.
func TestResume(t *testing.T) {
	for m := range numMethods {
		s := plain(m)
		s.RateAt = CosineRate(2, 20)
		if m != Adam {
			s.Draws = 2
		}
		whole, err := run(t, s, 8).MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		for stop := range 8 {
			saved, err := run(t, s, stop).MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			o := run(t, s, 2)
			if err := o.UnmarshalBinary(saved); err != nil {
				t.Fatal(err)
			}
			for o.Steps() < 8 {
				if err := o.Step(noisy(o.Steps())); err != nil {
					t.Fatal(err)
				}
			}
			if got, _ := o.MarshalBinary(); !bytes.Equal(got, whole) {
				t.Fatalf("%v: a run stopped after step %d ends elsewhere", m, stop)
			}
		}
	}
}

// TestHostileBytes: other settings and damaged bytes are errors that leave the
// receiver alone; what is accepted works.
func TestHostileBytes(t *testing.T) {
	s := plain(IVON)
	o := run(t, s, 3)
	saved, err := o.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(what string, o *Optimizer, b []byte) {
		t.Helper()
		before, _ := o.MarshalBinary()
		if err := o.UnmarshalBinary(b); err == nil {
			t.Errorf("%s was accepted", what)
		}
		if after, _ := o.MarshalBinary(); !bytes.Equal(before, after) {
			t.Errorf("%s has changed the receiver", what)
		}
	}
	for what, change := range map[string]func(*Settings){
		"Rate":     func(s *Settings) { s.Rate = 0.02 },
		"Method":   func(s *Settings) { s.Method = Vadam },
		"Seed":     func(s *Settings) { s.Seed = 1 << 60 },
		"prior":    func(s *Settings) { s.PriorPrecs = []float64{1, 2, 1} },
		"schedule": func(s *Settings) { s.RateAt = CosineRate(0, 10) },
	} {
		z := s
		change(&z)
		refuse("a run with another "+what, run(t, z, 1), saved)
	}
	two, err := New([]float64{1, 2}, &s)
	if err != nil {
		t.Fatal(err)
	}
	refuse("a run of another size", two, saved)
	o32, err := New32([]float32{1, 2, 3}, &s)
	if err != nil {
		t.Fatal(err)
	}
	if err := o32.UnmarshalBinary(saved); err == nil {
		t.Error("a state of the other precision was accepted")
	}
	if err := new(Optimizer).UnmarshalBinary(saved); err == nil {
		t.Error("the zero value took a state")
	}
	for n := range saved {
		refuse(fmt.Sprint("a prefix of ", n, " bytes"), o, saved[:n])
	}
	for at := 12; at+12 <= len(saved); at += 8 {
		for _, v := range []uint64{math.Float64bits(nan), math.Float64bits(math.Inf(1)), 1 << 62, math.MaxUint64, 0, math.Float64bits(-7)} {
			b := bytes.Clone(saved)
			binary.LittleEndian.PutUint64(b[at:], v)
			binary.LittleEndian.PutUint32(b[len(b)-4:], crc32.ChecksumIEEE(b[:len(b)-4]))
			z := run(t, s, 1)
			if z.UnmarshalBinary(b) == nil {
				for i, sd := range z.SD(nil) {
					if !(sd > 0) || math.IsInf(sd, 0) {
						t.Fatalf("bytes at %d: accepted, with sd[%d] = %v", at, i, sd)
					}
				}
			}
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	s := plain(IVON)
	o, err := New([]float64{1, -1, 2}, &s)
	if err != nil {
		f.Fatal(err)
	}
	saved, err := o.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(saved[:len(saved)-4])
	f.Fuzz(func(t *testing.T, b []byte) {
		b = binary.LittleEndian.AppendUint32(bytes.Clone(b), crc32.ChecksumIEEE(b))
		if o.UnmarshalBinary(b) == nil {
			for i, sd := range o.SD(nil) {
				if !(sd > 0) {
					t.Fatalf("sd[%d] = %v", i, sd)
				}
			}
		}
	})
}
