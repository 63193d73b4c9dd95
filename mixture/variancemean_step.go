package mixture

import (
	"fmt"
	"math"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/special"
	"github.com/natgrad/natgrad/internal/wire"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// PrecisionStep says how a step of size ρ along G = ∇_ΣL moves the precision S of a
// normal variance-mean mixture.
type PrecisionStep int

const (
	// PlainFirst takes the plain step S − 2ρG, which is exact on quadratics, and where
	// that is not positive definite the second-order step, flagged as Retracted.
	PlainFirst PrecisionStep = iota
	// PlainHalving takes the plain step and halves ρ until it is positive definite (Lin,
	// Khan and Schmidt 2019), flagged as Shortened.
	PlainHalving
	// SecondOrder takes S − 2ρG + 2ρ²GS⁻¹G, which is always positive definite (the
	// improved rule of Lin, Schmidt and Khan 2020).
	SecondOrder
)

// vmTries bounds the halvings of a step.
const vmTries = 60

// SetPrecisionStep chooses how steps move the precision. The default is PlainFirst.
// It errs for any other value than the three.
func (c *VarianceMean) SetPrecisionStep(rule PrecisionStep) error {
	if rule < PlainFirst || rule > SecondOrder {
		return &expfam.DomainError{Family: c.Name(), Func: "SetPrecisionStep", Param: "rule", Index: -1, Value: float64(rule), Want: "PlainFirst, PlainHalving or SecondOrder"}
	}
	c.rule = rule
	return nil
}

// SetMomentum gives the steps a momentum β in [0, 1), bias-corrected: at step i since
// the last SetNatural they are scaled by δ = (1−β)/(1−βⁱ) and get (1−δ) times the last
// move of S, and of μ and α in the metric of the S before it. 0, the default, is none. It
// errs for any other β. Averages and steps back by the engine are SetNatural: it serves
// runs with Settings.Plain.
func (c *VarianceMean) SetMomentum(beta float64) error {
	if !(beta >= 0 && beta < 1) {
		return &expfam.DomainError{Family: c.Name(), Func: "SetMomentum", Param: "beta", Index: -1, Value: beta, Want: "in [0, 1)"}
	}
	c.beta, c.steps, c.prev = beta, 0, nil
	return nil
}

// Retract takes a step of size rho along tan = (g_μ, g_α, svec(G), g_a):
//
//	S ← S − 2ρG                                    or as SetPrecisionStep says
//	(μ; α) ← (μ; α) + ρ(I ⊗ S⁻¹)(g_μ; g_α)          the new S
//	a ← a + ρg_a − ½ρ²Γg_a²,  Γ = (ψ''(a) + 1/a²)/(2(ψ'(a) − 1/a))
//
// (Lin, Khan and Schmidt 2019, section 4; Γ is the Christoffel symbol of the improved
// rule). With the plain step of S it adds ρ times the natural gradient to η. It errs, with
// the receiver unchanged, if tan or rho is not finite or no step is representable.
func (c *VarianceMean) Retract(tan []float64, rho float64) (expfam.Condition, error) {
	c.check("Retract", "tan", tan, c.NumParams())
	if err := checkStep(c.Name(), tan, rho); err != nil {
		return expfam.NonFinite, err
	}
	lr, m := rho, 0.0
	if c.beta > 0 {
		delta := (1 - c.beta) / (1 - math.Pow(c.beta, float64(c.steps+1)))
		if c.prev != nil {
			lr, m = rho*delta, 1-delta
		}
	}
	var cond expfam.Condition
	second := c.rule == SecondOrder
	if c.rule == PlainFirst {
		if c.try(tan, lr, m, false) {
			c.accept()
			return 0, nil
		}
		cond, second = expfam.Retracted, true
	}
	for range vmTries {
		if c.try(tan, lr, m, second) {
			c.accept()
			return cond, nil
		}
		lr, m = lr/2, m/2
		cond |= expfam.Shortened
	}
	return cond | expfam.NonFinite, &expfam.DomainError{Family: c.Name(), Func: "Retract", Param: "rho", Index: -1, Value: lr, Want: "a step whose result is representable (tried down to this value)"}
}

// try puts the step in c.next and tells whether it is proper.
func (c *VarianceMean) try(tan []float64, rho, m float64, second bool) bool {
	d, at, cur, st := c.dim, c.symAt(), c.cur, c.next
	sym := vmSym(st.s, d)
	vmUnpack(st.u, tan[at:], d)
	if second {
		// S − 2ρG + 2ρ²GS⁻¹G = (S + B'B)/2 with B = U − 2ρU⁻ᵀG.
		b := blas64.General{Rows: d, Cols: d, Data: st.u, Stride: d}
		blas64.Trsm(blas.Left, blas.Trans, -2*rho, cur.tri(), b)
		for i := range d {
			for j := i; j < d; j++ {
				st.u[i*d+j] += cur.u[i*d+j]
			}
		}
		copy(st.s, cur.s)
		blas64.Syrk(blas.Trans, 0.5, b, 0.5, sym)
	} else {
		for i, s := range cur.s {
			st.s[i] = s - 2*rho*st.u[i]
		}
	}
	if m != 0 {
		for i, s := range cur.s {
			st.s[i] += m * (s - c.prev.s[i])
		}
	}
	if !st.cholesky() {
		return false
	}
	c.moveVector(st.eta[:d], tan[:d], rho, m, func(s *vmState) []float64 { return s.mu })
	if st.alpha != nil {
		c.moveVector(st.eta[d:2*d], tan[d:2*d], rho, m, func(s *vmState) []float64 { return s.alpha })
	}
	vmPack(st.eta[at:], st.s, d)
	if c.kind.shaped() {
		a, g := cur.shape, rho*tan[len(tan)-1]
		st.eta[len(st.eta)-1] = -(a + g - 0.5*vmChristoffel(a)*g*g)
	}
	return firstBad(st.eta) < 0 && c.factor(st)
}

// moveVector writes S·x + ρg + m·S_prev(x − x_prev) to eta, S new and x = μ or α.
func (c *VarianceMean) moveVector(eta, g []float64, rho, m float64, of func(*vmState) []float64) {
	x := of(c.cur)
	for i, gi := range g {
		eta[i] = rho * gi
	}
	if m != 0 {
		for i, p := range of(c.prev) {
			c.r[i] = x[i] - p
		}
		blas64.Symv(m, vmSym(c.prev.s, c.dim), vmVec(c.r), 1, vmVec(eta))
	}
	blas64.Symv(1, vmSym(c.next.s, c.dim), vmVec(x), 1, vmVec(eta))
}

func (c *VarianceMean) accept() {
	c.steps++
	if c.beta == 0 {
		c.cur, c.next = c.next, c.cur
		return
	}
	if c.prev == nil {
		c.prev = c.newState()
	}
	c.prev, c.cur, c.next = c.cur, c.next, c.prev
}

// vmChristoffel returns Γ = (ψ”(a) + 1/a²)/(2(ψ'(a) − 1/a)), which tends to −1/a for
// a → 0 and a → ∞.
func vmChristoffel(a float64) float64 {
	num := special.Tetragamma(a) + 1/(a*a)
	if a > 50 { // the asymptotic series −1/a³ − 1/(2a⁴) + 1/(6a⁶) − … of DLMF 5.15.9, without cancellation
		r := 1 / (a * a)
		num = -r * (1/a + r*(0.5-r*(1./6-r*(1./6-r*0.3))))
	}
	return num / (2 * special.TrigammaMinusInv(a))
}

const (
	vmMagic   = "ngmixvm"
	vmVersion = 1
)

// MarshalBinary writes the state: η, fixed shape, step rule and momentum.
func (c *VarianceMean) MarshalBinary() ([]byte, error) {
	w := wire.NewWriter(vmMagic, vmVersion)
	w.Bytes([]byte(c.Name()))
	w.Int(c.dim)
	w.Float(c.k)
	w.Int(int(c.rule))
	w.Float(c.beta)
	w.Int(c.steps)
	w.Int(c.nodes)
	w.Floats(c.cur.eta)
	if c.prev != nil {
		w.Floats(c.prev.eta)
	} else {
		w.Floats(nil)
	}
	return w.Finish(), nil
}

// unmarshal restores what MarshalBinary wrote for a member of the family kd.
func (c *VarianceMean) unmarshal(b []byte, kd kind) error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("mixture: %s.UnmarshalBinary: the bytes are "+format, append([]any{kd.name()}, args...)...)
	}
	r, err := wire.NewReader(b, vmMagic, vmVersion)
	if err != nil {
		return fail("%w", err)
	}
	name, d, k := string(r.Bytes()), r.Int(), r.Float()
	rule, beta, steps, nodes := PrecisionStep(r.Int()), r.Float(), r.Int(), r.Int()
	eta, prev := r.Floats(), r.Floats()
	if err := r.Done(); err != nil {
		return fail("%w", err)
	}
	switch {
	case name != kd.name():
		return fail("those of a %q", name)
	case c.dim != 0 && c.dim != d:
		return fail("of dimension %d, the receiver has %d", d, c.dim)
	case d < 1 || d > len(eta) || !(k > 0) || math.IsInf(k, 1) || rule < PlainFirst || rule > SecondOrder || !(beta >= 0 && beta < 1) || steps < 0 || nodes < 0 || nodes > maxProductRule:
		return fail("inconsistent")
	}
	// The symmetric block makes len(eta) grow like d²/2: check before allocating.
	if size := (&VarianceMean{kind: kd, dim: d}).NumParams(); len(eta) != size || prev != nil && len(prev) != size {
		return fail("inconsistent: %d parameters for dimension %d, want %d", len(eta), d, size)
	}
	n := newVarianceMean(kd, d, k)
	if err := n.set("UnmarshalBinary", eta); err != nil {
		return err
	}
	if prev != nil {
		n.prev = n.newState()
		copy(n.prev.eta, prev)
		if firstBad(prev) >= 0 || !n.factor(n.prev) {
			return n.improper("UnmarshalBinary", prev)
		}
	}
	n.rule, n.beta, n.steps, n.nodes = rule, beta, steps, nodes
	*c = *n
	return nil
}

// clone returns an independent copy.
func (c *VarianceMean) clone() VarianceMean {
	n := newVarianceMean(c.kind, c.dim, c.k)
	copy(n.cur.eta, c.cur.eta)
	n.factor(n.cur)
	if c.prev != nil {
		n.prev = n.newState()
		copy(n.prev.eta, c.prev.eta)
		n.factor(n.prev)
	}
	n.rule, n.beta, n.steps, n.nodes = c.rule, c.beta, c.steps, c.nodes
	return *n
}
