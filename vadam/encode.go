package vadam

import (
	"errors"
	"fmt"
	"math"

	"github.com/natgrad/natgrad/internal/wire"
)

const (
	stateMagic   = "ngvadam"
	stateVersion = 1
)

// named is a number of the settings with its name, for comparing settings.
type named struct {
	name string
	v    float64
}

// fingerprint lists what makes the rest of a run: settings that differ in it
// do not continue a saved one. Functions are known by their values at the first
// step and after step t.
func (o *core[T]) fingerprint(t int) []named {
	s := &o.set
	flag := func(b bool) float64 {
		if b {
			return 1
		}
		return 0
	}
	var bits float64 = 32
	if T(1)/3 != T(float32(1)/3) {
		bits = 64
	}
	f := []named{
		{"bits", bits}, {"Method", float64(s.Method)}, {"N", float64(s.N)}, {"ESS", s.ESS},
		{"Rate", s.Rate}, {"Beta1", s.Beta1}, {"Beta2", s.Beta2}, {"Temperature", s.Temperature},
		{"Damping", s.Damping}, {"MinPrec", s.MinPrec}, {"Epsilon", s.Epsilon}, {"ClipRadius", s.ClipRadius},
		{"GradSquared", flag(s.GradSquared)}, {"NoRescale", flag(s.NoRescale)}, {"NoDebias", flag(s.NoDebias)},
		{"CorrectData", flag(s.CorrectData)}, {"Draws", float64(s.Draws)}, {"Antithetic", flag(s.Antithetic)},
		{"Seed", float64(s.Seed >> 32)}, {"Seed", float64(s.Seed & math.MaxUint32)}, {"Noise", flag(s.Noise != nil)},
	}
	for _, at := range []int{1, t + 1} {
		h, _ := o.at(at)
		f = append(f, named{"RateAt", h.rate}, named{"CurvatureRateAt", h.rho}, named{"ESSAt", h.ess}, named{"PriorAt", h.prior})
	}
	for _, g := range o.seg {
		f = append(f, named{"prior segment", float64(g.hi)}, named{"prior precision", g.lam}, named{"initial curvature", g.s0})
	}
	return f
}

func (o *core[T]) marshal() ([]byte, error) {
	w := wire.NewWriter(stateMagic, stateVersion)
	w.Int(o.t)
	w.Float(o.loss)
	w.Int(o.clipped)
	for _, f := range o.fingerprint(o.t) {
		w.Float(f.v)
	}
	wide := make([]float64, len(o.cur.mu))
	for _, x := range [][]T{o.cur.mu, o.cur.s, o.cur.m} {
		for i, v := range x {
			wide[i] = float64(v)
		}
		w.Floats(wide)
	}
	return w.Finish(), nil
}

func (o *core[T]) unmarshal(b []byte) error {
	fail := func(err error) error { return fmt.Errorf("vadam: UnmarshalBinary: %w", err) }
	if len(o.cur.mu) == 0 {
		return fail(errors.New("the receiver is no result of New: make it with the settings of the saved run first"))
	}
	r, err := wire.NewReader(b, stateMagic, stateVersion)
	if err != nil {
		return fail(err)
	}
	t, loss, clipped := r.Int(), r.Float(), r.Int()
	if t < 0 || t > math.MaxInt32 || clipped < 0 || clipped > len(o.cur.mu) {
		return fail(fmt.Errorf("step %d with %d clipped weights", t, clipped))
	}
	for _, f := range o.fingerprint(t) {
		if v := r.Float(); math.Float64bits(v) != math.Float64bits(f.v) {
			return fail(fmt.Errorf("the state was saved with %s %v, the receiver has %v", f.name, v, f.v))
		}
	}
	var x [3][]float64
	for i := range x {
		x[i] = r.Floats()
	}
	if err := r.Done(); err != nil {
		return fail(err)
	}
	for i, v := range x {
		if len(v) != len(o.cur.mu) {
			return fail(fmt.Errorf("%d weights, the receiver has %d", len(v), len(o.cur.mu)))
		}
		if k := firstNonFinite(v); k >= 0 {
			return fail(fmt.Errorf("number %d of array %d is %v, want finite", k, i, v[k]))
		}
	}
	n, c, prior := o.scale(t)
	for _, sg := range o.seg {
		for i := sg.lo; i < sg.hi; i++ {
			if p := n*x[1][i] + sg.lam*prior + c; !(p > 0) && o.set.Method != Adam {
				return fail(fmt.Errorf("the precision of weight %d is %v, want > 0", i, p))
			}
		}
	}
	for i, dst := range [][]T{o.cur.mu, o.cur.s, o.cur.m} {
		for k, v := range x[i] {
			dst[k] = T(v)
		}
	}
	o.t, o.loss, o.clipped = t, loss, clipped
	return nil
}
