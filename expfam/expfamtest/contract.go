package expfamtest

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/natgrad/natgrad/expfam"
)

// checkLengths tests that nil allocates the right length, that dst is used and
// returned, and that wrong lengths panic.
func checkLengths(c *checker) {
	d, x := c.d.Clone(), c.draws[0]
	if c.d.Name() == "" || len(x) != d.Dim() {
		c.errorf("Name is %q, Dim %d, length of a draw %d", d.Name(), d.Dim(), len(x))
	}
	rng := rand.New(rand.NewPCG(c.o.Seed, 3))
	v := make([]float64, c.n)
	for _, f := range []struct {
		name string
		n    int
		call func(dst []float64) []float64
	}{
		{"Natural", c.n, d.Natural},
		{"Expectation", c.n, d.Expectation},
		{"Mean", d.Dim(), d.Mean},
		{"SuffStat", c.n, func(dst []float64) []float64 { return d.SuffStat(dst, x) }},
		{"FisherMul", c.n, func(dst []float64) []float64 { return d.FisherMul(dst, v) }},
		{"Sample", d.Dim(), func(dst []float64) []float64 { return d.Sample(dst, rng) }},
	} {
		if got := f.call(nil); len(got) != f.n {
			c.errorf("len(%s(nil)) is %d, want %d", f.name, len(got), f.n)
		}
		dst := make([]float64, f.n)
		if got := f.call(dst); len(got) != f.n || &got[0] != &dst[0] {
			c.errorf("%s does not return dst", f.name)
		}
		if !panics(func() { f.call(make([]float64, f.n+1)) }) || !panics(func() { f.call(make([]float64, f.n-1)) }) {
			c.errorf("%s does not panic on a dst of the wrong length", f.name)
		}
	}
	for name, call := range map[string]func(n int){
		"SetNatural":     func(k int) { d.SetNatural(make([]float64, c.n+k)) },
		"SetExpectation": func(k int) { d.SetExpectation(make([]float64, c.n+k)) },
		"CheckNatural":   func(k int) { d.CheckNatural(make([]float64, c.n+k)) },
		"Retract":        func(k int) { d.Retract(make([]float64, c.n+k), 1) },
		"FisherMul":      func(k int) { d.FisherMul(nil, make([]float64, c.n+k)) },
		"SuffStat":       func(k int) { d.SuffStat(nil, make([]float64, d.Dim()+k)) },
		"LogProb":        func(k int) { d.LogProb(make([]float64, d.Dim()+k)) },
		"LogBase":        func(k int) { d.LogBase(make([]float64, d.Dim()+k)) },
	} {
		if !panics(func() { call(1) }) || !panics(func() { call(-1) }) {
			c.errorf("%s does not panic on an argument of the wrong length", name)
		}
	}
	if err := c.before.compare(d); err != nil {
		c.errorf("a refused call changed the receiver: %v", err)
	}
}

// refused complains unless err is a complete *DomainError and d as it was.
func (c *checker) refused(what string, d expfam.Dist, err error) {
	var e *expfam.DomainError
	if !errors.As(err, &e) {
		c.errorf("%s: error is %v, want a *DomainError", what, err)
	} else if e.Family == "" || e.Func == "" || e.Param == "" || e.Want == "" || e.Index < -1 || e.Index >= c.n {
		c.errorf("%s: DomainError is incomplete: %+v", what, *e)
	}
	if err := c.before.compare(d); err != nil {
		c.errorf("%s changed the receiver: %v", what, err)
	}
}

// checkBadParameters tests NaN and infinities in every place.
func checkBadParameters(c *checker) {
	d := c.d.Clone()
	if err := d.CheckNatural(c.eta); err != nil {
		c.errorf("CheckNatural refuses the current parameter: %v", err)
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		for i := range c.n {
			p := append([]float64(nil), c.eta...)
			p[i] = bad
			c.refused("CheckNatural of a non-finite value", d, d.CheckNatural(p))
			c.refused("SetNatural of a non-finite value", d, d.SetNatural(p))
			copy(p, c.m)
			p[i] = bad
			c.refused("SetExpectation of a non-finite value", d, d.SetExpectation(p))
		}
	}
}

// rays calls f with steps of growing length along ± every coordinate and along
// random directions, in the units of the Fisher matrix.
func (c *checker) rays(unit func(i int) float64, f func(v []float64)) {
	for _, s := range []float64{1, 30, 1e3, 1e6} {
		v := make([]float64, c.n)
		for i := range v {
			for _, sign := range []float64{1, -1} {
				v[i] = sign * s * unit(i)
				f(v)
			}
			v[i] = 0
		}
		for range 4 {
			for i := range v {
				v[i] = s * c.rng.NormFloat64() * unit(i)
			}
			f(v)
		}
	}
}

// checkRays walks out of the domain on both sides: a setter either works, and
// then its map agrees, or refuses and leaves the receiver as it was.
func checkRays(c *checker) {
	p := make([]float64, c.n)
	c.rays(func(i int) float64 { return 1 / c.scale[i] }, func(v []float64) {
		for i := range p {
			p[i] = c.eta[i] + v[i]
		}
		d := c.d.Clone()
		domain, err := d.CheckNatural(p), d.SetNatural(p)
		switch {
		case domain != nil:
			c.refused("CheckNatural", c.d, domain)
			c.refused("SetNatural outside the domain", d, err)
		case err != nil:
			c.errorf("SetNatural refuses what CheckNatural accepts: %v", err)
		case differ(d.Natural(nil), p) >= 0:
			c.errorf("Natural is %v after SetNatural(%v)", d.Natural(nil), p)
		case math.IsNaN(d.LogPartition()) || math.IsNaN(d.Entropy()):
			c.errorf("at η = %v: A is %v and the entropy %v", p, d.LogPartition(), d.Entropy())
		}
	})
	c.rays(func(i int) float64 { return c.scale[i] }, func(v []float64) {
		for i := range p {
			p[i] = c.m[i] + v[i]
		}
		d := c.d.Clone()
		if d.SetExpectation(p) != nil {
			if err := c.before.compare(d); err != nil {
				c.errorf("a refused SetExpectation(%v) changed the receiver: %v", p, err)
			}
			return
		}
		for i, got := range d.Expectation(nil) {
			c.near("Expectation after SetExpectation", i, got, p[i], 1e-8*max(math.Abs(p[i]), c.scale[i]))
		}
	})
}

// checkAliasing tests that the receiver keeps no slice of the caller, hands out
// none of its own, writes to no argument, and that FisherMul works in place.
func checkAliasing(c *checker) {
	d := c.d.Clone()
	v := c.direction(1)
	want := d.FisherMul(nil, v)
	for k, call := range []func(p []float64){
		func(p []float64) { copy(p, c.eta); d.SetNatural(p) },
		func(p []float64) { copy(p, d.Natural(nil)); d.Natural(p) },
		func(p []float64) { d.Expectation(p) },
	} {
		p := make([]float64, c.n)
		call(p)
		for i := range p {
			p[i] = math.NaN()
		}
		if err := c.before.compare(d); err != nil {
			c.errorf("the receiver keeps a slice of the caller (%d): %v", k, err)
		}
	}
	rng := rand.New(rand.NewPCG(c.o.Seed, 6))
	for i, f := range []func(dst []float64) []float64{
		d.Natural, d.Expectation, d.Mean,
		func(dst []float64) []float64 { return d.SuffStat(dst, c.draws[0]) },
		func(dst []float64) []float64 { return d.FisherMul(dst, v) },
		func(dst []float64) []float64 { return d.Sample(dst, rng) },
	} {
		s := f(nil)
		if &s[0] == &f(nil)[0] {
			c.errorf("two results of one method share their memory (%d)", i)
		}
		for j := range s {
			s[j] = math.NaN()
		}
		if err := c.before.compare(d); err != nil {
			c.errorf("the receiver hands out its own slice (%d): %v", i, err)
		}
	}
	in := append([]float64(nil), v...)
	if i := differ(d.FisherMul(in, in), want); i >= 0 {
		c.errorf("FisherMul in place differs at index %d", i)
	}
	x := append([]float64(nil), c.draws[0]...)
	d.SuffStat(nil, x)
	d.LogProb(x)
	if differ(x, c.draws[0]) >= 0 {
		c.errorf("SuffStat or LogProb changed its argument")
	}
	for name, call := range map[string]func(p []float64){
		"FisherMul":      func(p []float64) { d.FisherMul(nil, p) },
		"Retract":        func(p []float64) { d.Retract(p, 0.25) },
		"SetNatural":     func(p []float64) { d.SetNatural(p) },
		"SetExpectation": func(p []float64) { d.SetExpectation(p) },
	} {
		for _, src := range [][]float64{v, c.eta, c.m} {
			p := append([]float64(nil), src...)
			if call(p); differ(p, src) >= 0 {
				c.errorf("%s changed its argument", name)
			}
		}
	}
}

// checkRetract tests that a proper step is taken exactly and without a flag,
// whatever its length.
func checkRetract(c *checker) {
	for _, size := range []float64{0.1, 1, 10, 100} {
		_, t := c.proper(c.direction(size))
		tan := make([]float64, c.n)
		for i := range tan {
			tan[i] = t[i] - c.eta[i]
		}
		for _, rho := range []float64{1, 0.5} { // the domain of A is convex
			d := c.d.Clone()
			cond, err := d.Retract(tan, rho)
			if err != nil || cond != 0 {
				c.errorf("Retract to a proper parameter, rho %v: conditions %v, error %v", rho, cond, err)
				continue
			}
			for i, got := range d.Natural(nil) {
				want := c.eta[i] + rho*tan[i]
				c.near("Retract", i, got, want, 1e-12*max(math.Abs(t[i]), math.Abs(c.eta[i]), math.Abs(tan[i])))
			}
		}
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		d := c.d.Clone()
		tan := c.direction(0.1)
		tan[c.n-1] = bad
		cond, err := d.Retract(tan, 1)
		if err == nil || cond&expfam.NonFinite == 0 {
			c.errorf("Retract along %v: conditions %v, error %v, want NonFinite and an error", bad, cond, err)
		}
		tan[c.n-1] = 0
		if cond, err := d.Retract(tan, bad); err == nil || cond&expfam.NonFinite == 0 {
			c.errorf("Retract with rho %v: conditions %v, error %v, want NonFinite and an error", bad, cond, err)
		}
		if err := c.before.compare(d); err != nil {
			c.errorf("a refused Retract changed the receiver: %v", err)
		}
	}
}

// checkRetractOutside tests that a step out of the domain ends inside, flagged.
func checkRetractOutside(c *checker) {
	p := make([]float64, c.n)
	c.rays(func(i int) float64 { return 1 / c.scale[i] }, func(v []float64) {
		for i := range p {
			p[i] = c.eta[i] + v[i]
		}
		d := c.d.Clone()
		out := d.CheckNatural(p) != nil
		cond, err := d.Retract(v, 1)
		if err != nil {
			c.errorf("Retract by %v: %v", v, err)
			return
		}
		if flagged := cond&(expfam.Retracted|expfam.Shortened) != 0; flagged != out {
			c.errorf("Retract by %v: conditions are %v, but the plain step is outside the domain: %v", v, cond, out)
		}
		eta := d.Natural(nil)
		if err := d.CheckNatural(eta); err != nil {
			c.errorf("Retract by %v left the domain: %v", v, err)
		}
		if differ(eta, c.eta) < 0 {
			c.errorf("Retract by %v did not move", v)
		}
		if a, h := d.LogPartition(), d.Entropy(); math.IsNaN(a) || math.IsInf(a, 0) || math.IsNaN(h) {
			c.errorf("after Retract by %v: A is %v and the entropy %v", v, a, h)
		}
	})
}

// checkClone tests that clones are independent and behave alike.
func checkClone(c *checker) {
	d := c.d.Clone()
	if reflect.TypeOf(d) != reflect.TypeOf(c.d) || d.Name() != c.d.Name() {
		c.errorf("Clone is a %T named %q", d, d.Name())
	}
	r1, r2 := rand.New(rand.NewPCG(c.o.Seed, 4)), rand.New(rand.NewPCG(c.o.Seed, 4))
	for range 10 {
		if differ(d.Sample(nil, r1), c.d.Sample(nil, r2)) >= 0 {
			c.errorf("a clone draws differently from the same seed")
		}
	}
	tan := c.direction(0.2)
	if _, err := d.Retract(tan, 1); err != nil {
		c.errorf("Retract of a clone: %v", err)
	}
	if err := c.before.compare(c.d); err != nil {
		c.errorf("moving a clone moved the original: %v", err)
	}
}

// checkMarshal tests that bytes restore the state bit for bit and that damaged
// or foreign bytes are refused without a change.
func checkMarshal(c *checker) {
	b, err := c.d.MarshalBinary()
	if err != nil {
		c.errorf("MarshalBinary: %v", err)
		return
	}
	other, _ := c.proper(c.direction(0.2))
	into := []expfam.Dist{other}
	if t := reflect.TypeOf(c.d); !c.o.Sized && t.Kind() == reflect.Pointer {
		if zero, ok := reflect.New(t.Elem()).Interface().(expfam.Dist); ok {
			into = append(into, zero)
		}
	}
	for _, d := range into {
		if err := d.UnmarshalBinary(b); err != nil {
			c.errorf("UnmarshalBinary: %v", err)
			continue
		}
		if err := c.before.compare(d); err != nil {
			c.errorf("after a round trip through bytes %v", err)
		}
		for _, x := range c.draws[:10] {
			if got, want := d.LogProb(x), c.d.LogProb(x); got != want {
				c.errorf("LogProb is %v after a round trip through bytes, was %v", got, want)
			}
		}
	}
	bad := map[string][]byte{"trailing": append(append([]byte(nil), b...), 0), "foreign": []byte("id,x,y\n1,2,3\n4,5,6\n7,8,9\n")}
	d := c.d.Clone()
	refuse := func(what string, b []byte) {
		if err := d.UnmarshalBinary(b); err == nil {
			c.errorf("UnmarshalBinary accepts %s bytes", what)
		}
		if err := c.before.compare(d); err != nil {
			c.errorf("refused %s bytes changed the receiver: %v", what, err)
		}
	}
	for what, b := range bad {
		refuse(what, b)
	}
	step := max(1, len(b)/200)
	for k := 0; k < len(b); k += step {
		refuse("truncated", b[:k])
		damaged := append([]byte(nil), b...)
		damaged[k] ^= 0x41
		refuse("damaged", damaged)
	}
}

// checkAllocations tests that the methods of an inner loop do not allocate.
func checkAllocations(c *checker) {
	if c.o.Allocates {
		return
	}
	d := c.d.Clone()
	x, s, t := c.draws[0], make([]float64, d.Dim()), make([]float64, c.n)
	tan, rho := c.direction(0.05), 1.0
	rng := rand.New(rand.NewPCG(c.o.Seed, 5))
	for name, f := range map[string]func(){
		"LogProb":     func() { d.LogProb(x) },
		"SuffStat":    func() { d.SuffStat(t, x) },
		"Sample":      func() { d.Sample(s, rng) },
		"Natural":     func() { d.Natural(t) },
		"Expectation": func() { d.Expectation(t) },
		"FisherMul":   func() { d.FisherMul(t, tan) },
		"Retract":     func() { d.Retract(tan, rho); rho = -rho },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			c.errorf("%s allocates %v times a call", name, n)
		}
	}
}
