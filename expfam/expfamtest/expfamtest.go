// Package expfamtest checks that a distribution keeps the contracts of
// [expfam.Dist]. Every family of this module passes [Conformance]; a family
// written elsewhere needs one line:
//
//	func TestConformanceMyFamily(t *testing.T) {
//		expfamtest.Conformance(t, myfamily.New(2, 3), nil)
//	}
package expfamtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/mat"
)

// Options tune [Conformance]. The zero value, or a nil pointer, asks for every
// check with the default sizes.
type Options struct {
	// Seed of all draws and directions; 0 means 1. A run is deterministic.
	Seed uint64
	// Draws is the size of the Monte Carlo samples; 0 means 10000.
	Draws int
	// Tol is the relative tolerance of the round trips between natural and
	// expectation parameters; 0 means 1e-10. Where the rounding of m alone can
	// move η by more, which is known from the Fisher matrix, SetExpectation has
	// to return a *expfam.PrecisionError, and may not anywhere else.
	Tol float64
	// RoundingLoss is for families whose inverse is a closed form that does not
	// look at the rounding of m, such as a normal distribution many sds from 0:
	// no error is wanted, and what the rounding does to η is allowed.
	RoundingLoss bool
	// Outside are outcomes outside the support, at which LogBase and LogProb
	// must be −Inf.
	Outside [][]float64
	// HeavyTails leaves out the comparison of Mean with draws, for outcomes
	// without a finite variance.
	HeavyTails bool
	// Allocates leaves out the check that the hot methods do not allocate.
	Allocates bool
	// Sized leaves out unmarshalling into a zero value, for types that cannot
	// know their structure before, such as products.
	Sized bool
}

// Conformance runs every check on d, one subtest each, and leaves d unchanged.
// It covers lengths and panics, the duality maps against each other and
// against central differences of A, the Fisher matrix, density, entropy,
// moments and KL against draws, refusal of bad parameters, aliasing,
// retraction, cloning, serialisation and allocations. Of a d that is an
// [expfam.Reparameterizable] it covers, with no more to set up, the score, the
// pathwise derivatives (pointwise by the equation of transport that they solve,
// and in the mean), the tangents, that all of these may be called at the same
// time, and that they do not allocate; of one with a ScoreTangent, that as well.
func Conformance(t *testing.T, d expfam.Dist, o *Options) {
	t.Helper()
	c, err := newChecker(d, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range checks {
		t.Run(k.name, func(t *testing.T) {
			for _, err := range runCheck(c, k.run) {
				t.Error(err)
			}
		})
	}
	if err := c.before.compare(d); err != nil {
		t.Errorf("the checks changed the distribution under test: %v", err)
	}
}

// checks are the subtests in order; each returns what it found wrong.
var checks = []struct {
	name string
	run  func(c *checker)
}{
	{"Lengths", checkLengths},
	{"RoundTrips", checkRoundTrips},
	{"Gradient", checkGradient},
	{"Fisher", checkFisher},
	{"Density", checkDensity},
	{"Moments", checkMoments},
	{"KL", checkKL},
	{"BadParameters", checkBadParameters},
	{"Rays", checkRays},
	{"Aliasing", checkAliasing},
	{"Retract", checkRetract},
	{"RetractOutside", checkRetractOutside},
	{"Clone", checkClone},
	{"Marshal", checkMarshal},
	{"Allocations", checkAllocations},
	{"Paths", checkPaths},
	{"Tangent", checkTangent},
	{"EntropyTangent", checkEntropyTangent},
	{"ScoreTangent", checkScoreTangent},
	{"PathContract", checkPathContract},
}

// runCheck collects the complaints of one check; a panic is one of them.
func runCheck(c *checker, run func(*checker)) (errs []error) {
	k := *c
	k.errs = nil
	k.rng = rand.New(rand.NewPCG(c.o.Seed, 2))
	defer func() {
		errs = k.errs
		if r := recover(); r != nil {
			errs = append(errs, fmt.Errorf("panic: %v", r))
		}
	}()
	run(&k)
	return
}

// checker holds the distribution under test with what most checks need.
type checker struct {
	o      Options
	d      expfam.Dist
	n      int
	eta, m []float64
	scale  []float64 // sd of T_i, from the Fisher matrix
	fisher *mat.Dense
	draws  [][]float64
	before snapshot
	rng    *rand.Rand
	errs   []error
}

func newChecker(d expfam.Dist, o *Options) (*checker, error) {
	c := &checker{d: d, n: d.NumParams()}
	if o != nil {
		c.o = *o
	}
	if c.o.Seed == 0 {
		c.o.Seed = 1
	}
	if c.o.Draws == 0 {
		c.o.Draws = 10000
	}
	if c.o.Tol == 0 {
		c.o.Tol = 1e-10
	}
	c.eta, c.m = d.Natural(nil), d.Expectation(nil)
	if c.n < 1 || len(c.eta) != c.n || len(c.m) != c.n {
		return nil, fmt.Errorf("%s: NumParams is %d, len(Natural) %d, len(Expectation) %d", d.Name(), c.n, len(c.eta), len(c.m))
	}
	c.scale = make([]float64, c.n)
	c.fisher = mat.NewDense(c.n, c.n, nil)
	v := make([]float64, c.n)
	for j := range v {
		v[j] = 1
		c.fisher.SetCol(j, d.FisherMul(nil, v))
		v[j] = 0
		c.scale[j] = math.Sqrt(c.fisher.At(j, j))
		if !(c.scale[j] > 0) || math.IsInf(c.scale[j], 0) {
			return nil, fmt.Errorf("%s: Fisher[%d][%d] is %v, want finite and > 0", d.Name(), j, j, c.fisher.At(j, j))
		}
	}
	rng := rand.New(rand.NewPCG(c.o.Seed, 1))
	c.draws = make([][]float64, c.o.Draws)
	for i := range c.draws {
		c.draws[i] = d.Sample(nil, rng)
	}
	c.before = take(d)
	return c, nil
}

func (c *checker) errorf(format string, args ...any) {
	if len(c.errs) < 20 {
		c.errs = append(c.errs, fmt.Errorf(c.d.Name()+": "+format, args...))
	}
}

// near complains unless got is within tol of want.
func (c *checker) near(what string, i int, got, want, tol float64) {
	if !(math.Abs(got-want) <= tol) {
		c.errorf("%s[%d] is %.17g, want %.17g within %.3g", what, i, got, want, tol)
	}
}

// direction returns a random v with v'Fv = size², so that the KL between η
// and η + v is about size²/2.
func (c *checker) direction(size float64) []float64 {
	v := make([]float64, c.n)
	for i := range v {
		v[i] = c.rng.NormFloat64() / c.scale[i]
	}
	f := math.Sqrt(dot(v, c.d.FisherMul(nil, v)))
	for i := range v {
		v[i] *= size / f
	}
	return v
}

// proper returns a clone at η + v, with v halved until that is proper, and its η.
func (c *checker) proper(v []float64) (expfam.Dist, []float64) {
	q := c.d.Clone()
	t := make([]float64, c.n)
	for k, f := 0, 1.0; k < 60; k, f = k+1, f/2 {
		for i := range t {
			t[i] = c.eta[i] + f*v[i]
		}
		if q.SetNatural(t) == nil {
			return q, t
		}
	}
	c.errorf("no proper parameter found near %v", c.eta)
	return q, c.eta
}

// snapshot is the observable state of a Dist, compared bit for bit.
type snapshot struct {
	eta, m []float64
	a      float64
	bytes  string
}

func take(d expfam.Dist) snapshot {
	b, err := d.MarshalBinary()
	if err != nil {
		b = []byte(err.Error())
	}
	return snapshot{d.Natural(nil), d.Expectation(nil), d.LogPartition(), string(b)}
}

func (s snapshot) compare(d expfam.Dist) error {
	t := take(d)
	if i := differ(s.eta, t.eta); i >= 0 {
		return fmt.Errorf("η differs at index %d", i)
	}
	if i := differ(s.m, t.m); i >= 0 {
		return fmt.Errorf("m differs at index %d", i)
	}
	if math.Float64bits(s.a) != math.Float64bits(t.a) {
		return fmt.Errorf("log-partition A is %v, was %v", t.a, s.a)
	}
	if s.bytes != t.bytes {
		return fmt.Errorf("MarshalBinary gives other bytes")
	}
	return nil
}

// differ returns the first index at which a and b have different bits, −1 if
// they are equal.
func differ(a, b []float64) int {
	if len(a) != len(b) {
		return min(len(a), len(b))
	}
	for i := range a {
		if math.Float64bits(a[i]) != math.Float64bits(b[i]) {
			return i
		}
	}
	return -1
}

func dot(a, b []float64) float64 {
	var s float64
	for i, x := range a {
		s += x * b[i]
	}
	return s
}

// meanSE returns the mean of v and its standard error.
func meanSE(v []float64) (mean, se float64) {
	for _, x := range v {
		mean += x
	}
	mean /= float64(len(v))
	for _, x := range v {
		se += (x - mean) * (x - mean)
	}
	return mean, math.Sqrt(se / float64(len(v)-1) / float64(len(v)))
}

// panics reports whether f panics.
func panics(f func()) (yes bool) {
	defer func() { yes = recover() != nil }()
	f()
	return
}

// relative is the tolerance tol·max(|x|, floor).
func relative(tol, x, floor float64) float64 { return tol * max(math.Abs(x), floor) }

const eps = 0x1p-52
