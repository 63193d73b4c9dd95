package expfamtest

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/natgrad/natgrad/expfam"
)

// faulty is a gamma distribution with one fault.
type faulty struct {
	*expfam.Gamma
	fault string
	kept  []float64 // what a fault of aliasing hands out
}

func newFaulty(t *testing.T, fault string) *faulty {
	shape := 3.0
	switch fault {
	case "inexact", "inexact where it is hard":
		shape = 1e4
	case "none at large shapes", "never refuses", "bare refusal", "untyped refusal", "moves before it refuses m":
		shape = 1e6
	}
	g, err := expfam.NewGamma(shape, 2)
	if err != nil {
		t.Fatal(err)
	}
	return &faulty{Gamma: g, fault: fault, kept: make([]float64, 2)}
}

func (f *faulty) Clone() expfam.Dist {
	if f.fault == "shared clone" {
		return &faulty{f.Gamma, f.fault, f.kept}
	}
	return &faulty{f.Gamma.Clone().(*expfam.Gamma), f.fault, make([]float64, 2)}
}

func (f *faulty) Natural(dst []float64) []float64 {
	if f.fault == "any length" && len(dst) != 2 {
		dst = nil
	}
	return f.Gamma.Natural(dst)
}

func (f *faulty) SetNatural(eta []float64) error {
	err := f.Gamma.SetNatural(eta)
	switch {
	case err == nil:
	case f.fault == "untyped error":
		return errors.New("outside the domain")
	case f.fault == "moves before it refuses":
		f.Gamma.SetNatural([]float64{1, -1})
	}
	return err
}

func (f *faulty) CheckNatural(eta []float64) error {
	if f.fault == "wide domain" && eta[0] < -1 {
		return nil
	}
	return f.Gamma.CheckNatural(eta)
}

func (f *faulty) Expectation(dst []float64) []float64 {
	if f.fault == "hands out its slice" && dst == nil {
		return f.Gamma.Expectation(f.kept)
	}
	return f.Gamma.Expectation(dst)
}

func (f *faulty) SetExpectation(m []float64) error {
	if f.fault == "rough inverse" {
		m = []float64{m[0], m[1] * (1 + 1e-8)}
	}
	before := f.Gamma.Natural(nil)
	err := f.Gamma.SetExpectation(m)
	var e *expfam.PrecisionError
	refused := errors.As(err, &e)
	switch f.fault {
	case "inexact":
		if err == nil {
			eta := f.Gamma.Natural(nil)
			return f.Gamma.SetNatural([]float64{eta[0] * (1 + 1e-8), eta[1] * (1 + 1e-8)})
		}
	case "inexact where it is hard":
		if err == nil {
			eta := f.Gamma.Natural(nil)
			return f.Gamma.SetNatural([]float64{eta[0] * (1 + 1e-9), eta[1] * (1 + 1e-9)})
		}
	case "never refuses":
		if refused {
			return f.Gamma.SetNatural([]float64{e.Value - 1, -e.Value / m[1]})
		}
	case "bare refusal":
		if refused {
			return &expfam.PrecisionError{}
		}
	case "untyped refusal":
		if refused {
			return errors.New("cannot be done")
		}
	case "moves before it refuses m":
		if refused {
			f.Gamma.SetNatural([]float64{e.Value - 1, -e.Value / m[1]})
		}
	case "timid inverse":
		if err == nil {
			f.Gamma.SetNatural(before)
			return &expfam.PrecisionError{Family: "gamma", Func: "SetExpectation", Param: "shape", Index: -1, RelErr: 1e-9}
		}
	}
	return err
}

func (f *faulty) Mean(dst []float64) []float64 {
	dst = f.Gamma.Mean(dst)
	if f.fault == "mean" {
		dst[0] *= 1.1
	}
	return dst
}

func (f *faulty) LogPartition() float64 {
	a := f.Gamma.LogPartition()
	if f.fault == "partition" {
		a += 1e-4 * f.Gamma.Shape()
	}
	return a
}

func (f *faulty) Entropy() float64 {
	h := f.Gamma.Entropy()
	if f.fault == "entropy" {
		h += 0.1
	}
	return h
}

func (f *faulty) LogProb(x []float64) float64 {
	l := f.Gamma.LogProb(x)
	switch f.fault {
	case "density":
		l += 1e-8
	case "allocates":
		l += 0 * f.Gamma.Natural(nil)[0]
	}
	return l
}

func (f *faulty) LogBase(x []float64) float64 {
	if f.fault == "support" {
		return 0
	}
	return f.Gamma.LogBase(x)
}

func (f *faulty) Sample(dst []float64, rng *rand.Rand) []float64 {
	dst = f.Gamma.Sample(dst, rng)
	if f.fault == "sampler" {
		dst[0] = (dst[0] + f.Gamma.Sample(nil, rng)[0]) / 2 // right mean, wrong law
	}
	return dst
}

func (f *faulty) FisherMul(dst, v []float64) []float64 {
	switch f.fault {
	case "not in place":
		if dst != nil {
			dst[0] = 0
		}
	case "Fisher":
		dst = f.Gamma.FisherMul(dst, v)
		dst[0] *= 1 + 1e-4
		return dst
	}
	return f.Gamma.FisherMul(dst, v)
}

func (f *faulty) KLTo(q expfam.Dist) float64 {
	kl := f.Gamma.KLTo(q.(*faulty).Gamma)
	if f.fault == "KL" {
		kl *= 1.2
	}
	return kl
}

func (f *faulty) Retract(tan []float64, rho float64) (expfam.Condition, error) {
	c, err := f.Gamma.Retract(tan, rho)
	switch f.fault {
	case "silent":
		c &^= expfam.Shortened
	case "always flagged":
		c |= expfam.Retracted
	case "timid":
		f.Gamma.Retract(tan, -1e-6*rho)
	}
	return c, err
}

func (f *faulty) UnmarshalBinary(b []byte) error {
	err := f.Gamma.UnmarshalBinary(b)
	if f.fault == "credulous" {
		return nil
	}
	return err
}

func (f *faulty) Score(dst, x []float64) []float64 {
	dst = f.Gamma.Score(dst, x)
	if f.fault == "score" {
		dst[0] *= 1 + 1e-4
	}
	return dst
}

func (f *faulty) PathGrad(dst, g, x []float64) []float64 {
	dst = f.Gamma.PathGrad(dst, g, x)
	switch f.fault {
	case "path": // as if the median moved like the mean
		dst[0] = g[0] * x[0] / f.Gamma.Shape()
	case "path off by a constant flow":
		dst[0] += 1e-2 * g[0] * math.Exp(-f.Gamma.LogProb(x))
	case "changes its argument":
		g[0]++
	}
	return dst
}

func (f *faulty) Tangent(dst []float64, d *expfam.Draw, w float64) {
	switch f.fault {
	case "tangent":
		w *= 1.01
	case "overwrites":
		clear(dst)
	}
	f.Gamma.Tangent(dst, d, w)
	switch f.fault {
	case "tangent for another g":
		dst[1] += 1e-3 * w * d.Grad[0] * d.X[0]
	case "scratch": // shared by all calls, without a lock
		f.kept[0] += d.X[0]
		dst[0] += f.kept[0]
	}
}

func (f *faulty) EntropyTangent(dst []float64) bool {
	f.Gamma.EntropyTangent(dst)
	if f.fault == "entropy tangent" {
		dst[0] *= 1.001
	}
	return f.fault != "entropy tangent not said"
}

func (f *faulty) ScoreTangent(dst, x []float64, w float64) {
	f.Gamma.ScoreTangent(dst, x, w)
	if f.fault == "score tangent" {
		dst[1] += 1e-6 * w * x[0]
	}
}

// TestFaults checks that each fault is found by the check that is for it, and
// that no check complains about the distribution without a fault.
func TestFaults(t *testing.T) {
	for _, r := range []struct{ fault, check string }{
		{"none", ""},
		{"any length", "Lengths"},
		{"none at large shapes", ""},
		{"rough inverse", "RoundTrips"},
		{"inexact", "RoundTrips"},
		{"inexact where it is hard", "RoundTrips"},
		{"never refuses", "RoundTrips"},
		{"timid inverse", "RoundTrips"},
		{"bare refusal", "RoundTrips"},
		{"untyped refusal", "RoundTrips"},
		{"moves before it refuses m", "RoundTrips"},
		{"partition", "Gradient"},
		{"Fisher", "Fisher"},
		{"density", "Density"},
		{"support", "Density"},
		{"mean", "Moments"},
		{"entropy", "Moments"},
		{"sampler", "Moments"},
		{"KL", "KL"},
		{"untyped error", "BadParameters"},
		{"moves before it refuses", "BadParameters"},
		{"wide domain", "Rays"},
		{"hands out its slice", "Aliasing"},
		{"not in place", "Aliasing"},
		{"timid", "Retract"},
		{"always flagged", "Retract"},
		{"silent", "RetractOutside"},
		{"shared clone", "Clone"},
		{"credulous", "Marshal"},
		{"allocates", "Allocations"},
		{"score", "Paths"},
		{"path", "Paths"},
		{"path off by a constant flow", "Tangent"},
		{"tangent", "Tangent"},
		{"tangent for another g", "Tangent"},
		{"overwrites", "Tangent"},
		{"entropy tangent", "EntropyTangent"},
		{"entropy tangent not said", "EntropyTangent"},
		{"score tangent", "ScoreTangent"},
		{"changes its argument", "PathContract"},
		{"scratch", "PathContract"},
	} {
		t.Run(r.fault, func(t *testing.T) {
			var found []string
			c, err := newChecker(newFaulty(t, r.fault), &Options{Sized: true, Outside: [][]float64{{-1}}})
			if err != nil {
				// A fault that even the set-up meets is found, too.
				found = append(found, r.check)
			} else {
				for _, k := range checks {
					if errs := runCheck(c, k.run); errs != nil {
						found = append(found, k.name)
						if r.check == "" {
							t.Error(errs)
						}
					}
				}
			}
			if r.check != "" && !slices.Contains(found, r.check) {
				t.Errorf("found by %v, want %s among them", found, r.check)
			}
		})
	}
}

// TestOptions checks that the options that leave something out do so.
func TestOptions(t *testing.T) {
	for fault, o := range map[string]Options{
		"allocates": {Sized: true, Allocates: true},
		"mean":      {Sized: true, HeavyTails: true},
		// Off by rounding only, as a closed form would be.
		"never refuses": {Sized: true, RoundingLoss: true},
	} {
		c, err := newChecker(newFaulty(t, fault), &o)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range checks {
			if errs := runCheck(c, k.run); errs != nil {
				t.Errorf("%s: %s complains: %v", fault, k.name, errs)
			}
		}
	}
	// Without Sized, the zero value of faulty, which holds no gamma, is tried.
	c, err := newChecker(newFaulty(t, "none"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if errs := runCheck(c, checkMarshal); errs == nil {
		t.Error("unmarshalling into an unusable zero value is not noticed")
	}
}

// TestDeterministic checks that a run depends on its seed only.
func TestDeterministic(t *testing.T) {
	report := func(seed uint64) string {
		c, err := newChecker(newFaulty(t, "KL"), &Options{Seed: seed, Sized: true})
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(runCheck(c, checkKL))
	}
	if again := report(3); again != report(3) {
		t.Error("two runs with one seed differ")
	}
	if report(3) == report(4) {
		t.Error("two seeds give the same run")
	}
}
