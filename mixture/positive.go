package mixture

import (
	"fmt"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/wire"
)

const (
	// State entries are kept between these in absolute value, so that their cubes and
	// ratios are finite and a posterior inside its domain never yields a NaN.
	minPositive = 1e-100
	maxPositive = 1e100
	// leastDraw keeps 1/x, and so the gradient of a log density, finite.
	leastDraw = 1e-300
	// positiveHalvings bounds the halvings of a step.
	positiveHalvings = 60

	positiveVersion = 1
)

// pairs is the state of dim independent coordinates with two parameters each:
// the first parameters of all coordinates, then the second ones.
type pairs struct {
	family string
	names  [2]string // of the two parameters, as errors call them
	sign   float64   // of all entries
	dim    int
	eta    []float64
	next   []float64 // the candidate of a step
}

func newPairs(family string, names [2]string, sign float64, dim int) pairs {
	return pairs{family: family, names: names, sign: sign, dim: dim, eta: make([]float64, 2*dim), next: make([]float64, 2*dim)}
}

func (p *pairs) checkLen(fn, param string, v []float64, n int) {
	checkLen(p.family, fn, param, v, n)
}

func (p *pairs) sized(fn string, dst []float64, n int) []float64 {
	return sized(p.family, fn, dst, n)
}

// halves returns the first and the second parameters within v.
func (p *pairs) halves(v []float64) (first, second []float64) { return v[:p.dim], v[p.dim:] }

func (p *pairs) natural(dst []float64) []float64 {
	dst = p.sized("Natural", dst, 2*p.dim)
	copy(dst, p.eta)
	return dst
}

// check returns a DomainError for the first entry of eta outside the domain.
func (p *pairs) check(fn string, eta []float64) error {
	for i, v := range eta {
		if u := p.sign * v; !(u >= minPositive && u <= maxPositive) {
			want := "> 0 (from 1e-100 to 1e100)"
			if p.sign < 0 {
				want = "< 0 (from -1e100 to -1e-100)"
			}
			return &expfam.DomainError{Family: p.family, Func: fn, Param: p.names[i/p.dim], Index: i % p.dim, Value: v, Want: want}
		}
	}
	return nil
}

func (p *pairs) set(fn string, eta []float64) error {
	p.checkLen(fn, "eta", eta, 2*p.dim)
	if err := p.check(fn, eta); err != nil {
		return err
	}
	copy(p.eta, eta)
	return nil
}

// retract moves to the candidate that fill writes to p.next for the step rho, or
// for the first of rho/2, rho/4, … whose candidate is inside the domain, then
// with the condition Shortened. On error nothing has moved.
func (p *pairs) retract(tan []float64, rho float64, fill func(next, tan []float64, rho float64)) (expfam.Condition, error) {
	p.checkLen("Retract", "tan", tan, 2*p.dim)
	if err := checkStep(p.family, tan, rho); err != nil {
		return expfam.NonFinite, err
	}
	var cond expfam.Condition
	for range positiveHalvings {
		fill(p.next, tan, rho)
		if p.check("Retract", p.next) == nil {
			copy(p.eta, p.next)
			return cond, nil
		}
		rho /= 2
		cond = expfam.Shortened
	}
	return cond | expfam.NonFinite, &expfam.DomainError{Family: p.family, Func: "Retract", Param: "rho", Index: -1, Value: rho, Want: "a step whose result is representable (tried down to this value)"}
}

// marshal writes a flag of the family and the state.
func (p *pairs) marshal(flag uint64) []byte {
	w := wire.NewWriter("ngpos", positiveVersion)
	w.Bytes([]byte(p.family))
	w.Uint(flag)
	w.Floats(p.eta)
	return w.Finish()
}

// unmarshal restores p, which has the saved dimension or none. On error p is unchanged.
func (p *pairs) unmarshal(b []byte) (flag uint64, err error) {
	fail := func(format string, args ...any) (uint64, error) {
		return 0, fmt.Errorf("mixture: "+p.family+".UnmarshalBinary: "+format, args...)
	}
	r, err := wire.NewReader(b, "ngpos", positiveVersion)
	if err != nil {
		return fail("%w", err)
	}
	name := string(r.Bytes())
	flag = r.Uint()
	eta := r.Floats()
	if err := r.Done(); err != nil {
		return fail("%w", err)
	}
	dim := len(eta) / 2
	switch {
	case name != p.family:
		return fail("the bytes hold a %q posterior", name)
	case dim == 0 || len(eta) != 2*dim:
		return fail("%d parameters are not two a coordinate", len(eta))
	case p.dim != 0 && p.dim != dim:
		return fail("the bytes hold dimension %d, the receiver has %d", dim, p.dim)
	}
	q := newPairs(p.family, p.names, p.sign, dim)
	if err := q.set("UnmarshalBinary", eta); err != nil {
		return 0, err
	}
	*p = q
	return flag, nil
}

// positiveArgs checks the two parameter vectors of a constructor.
func positiveArgs(family, name1, name2 string, a, b []float64) error {
	if len(a) == 0 {
		return &expfam.DomainError{Family: family, Func: "New", Param: "len(" + name1 + ")", Index: -1, Value: 0, Want: ">= 1"}
	}
	checkLen(family, "New", name2, b, len(a))
	for k, v := range [][]float64{a, b} {
		for i, x := range v {
			if !(x >= minPositive && x <= maxPositive) {
				name := name1
				if k == 1 {
					name = name2
				}
				return &expfam.DomainError{Family: family, Func: "New", Param: name, Index: i, Value: x, Want: "> 0 (from 1e-100 to 1e100)"}
			}
		}
	}
	return nil
}

// clampDraw keeps a draw that underflows or overflows usable.
func clampDraw(x float64) float64 { return min(max(x, leastDraw), 1/leastDraw) }
