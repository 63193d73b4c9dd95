package expfam

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
)

// Product is the joint distribution of independent parts: outcomes, natural
// and expectation parameters are those of the parts, one after the other, and
// A, entropy, log density and KL are sums.
//
// A Product does not know its structure from bytes: UnmarshalBinary wants a
// receiver with the same families.
type Product struct {
	name  string
	parts []Dist
	x, p  []int // part i has the outcome entries x[i]:x[i+1], parameters p[i]:p[i+1]
	saved []float64
	paths *productPaths
}

// NewProduct returns the product of copies of the parts. It errs if there are
// none or one is nil.
func NewProduct(parts ...Dist) (*Product, error) {
	if len(parts) == 0 {
		return nil, errors.New("expfam: NewProduct: no parts given, want at least one")
	}
	q := &Product{x: []int{0}, p: []int{0}}
	names := make([]string, len(parts))
	for i, d := range parts {
		if d == nil {
			return nil, fmt.Errorf("expfam: NewProduct: part %d is nil", i)
		}
		q.parts = append(q.parts, d.Clone())
		q.x = append(q.x, q.x[i]+d.Dim())
		q.p = append(q.p, q.p[i]+d.NumParams())
		names[i] = fmt.Sprintf("%s:%d", d.Name(), d.NumParams())
	}
	q.name = "product(" + strings.Join(names, ",") + ")"
	q.saved = make([]float64, q.NumParams())
	q.paths = newProductPaths(q)
	return q, nil
}

// Len returns the number of parts.
func (q *Product) Len() int { return len(q.parts) }

// Part returns part i itself: to change it is to change the product.
func (q *Product) Part(i int) Dist { return q.parts[i] }

// Outcome returns the entries of the outcome x that belong to part i, as a
// slice of x.
func (q *Product) Outcome(x []float64, i int) []float64 {
	checkLen("Product.Outcome", "x", x, q.Dim())
	return q.px(x, i)
}

// Params returns the entries of the parameter or tangent v that belong to part
// i, as a slice of v.
func (q *Product) Params(v []float64, i int) []float64 {
	checkLen("Product.Params", "v", v, q.NumParams())
	return q.pp(v, i)
}

func (q *Product) px(x []float64, i int) []float64 { return x[q.x[i]:q.x[i+1]:q.x[i+1]] }
func (q *Product) pp(v []float64, i int) []float64 { return v[q.p[i]:q.p[i+1]:q.p[i+1]] }

// Name returns "product(", the name and number of parameters of every part,
// and ")", as in "product(gamma:2,normal:9)".
func (q *Product) Name() string { return q.name }

// Dim returns the sum of the dimensions of the parts.
func (q *Product) Dim() int { return q.x[len(q.parts)] }

// NumParams returns the sum of the numbers of parameters of the parts.
func (q *Product) NumParams() int { return q.p[len(q.parts)] }

// SuffStat writes T(x), part after part, to dst.
func (q *Product) SuffStat(dst, x []float64) []float64 {
	checkLen("Product.SuffStat", "x", x, q.Dim())
	dst = sized("Product.SuffStat", dst, q.NumParams())
	for i, d := range q.parts {
		d.SuffStat(q.pp(dst, i), q.px(x, i))
	}
	return dst
}

// LogBase returns Σ log h(x_i).
func (q *Product) LogBase(x []float64) float64 {
	checkLen("Product.LogBase", "x", x, q.Dim())
	var s float64
	for i, d := range q.parts {
		s += d.LogBase(q.px(x, i))
	}
	return s
}

// CheckNatural errs with the first part that refuses its share of eta.
func (q *Product) CheckNatural(eta []float64) error {
	checkLen("Product.CheckNatural", "eta", eta, q.NumParams())
	for i, d := range q.parts {
		if err := d.CheckNatural(q.pp(eta, i)); err != nil {
			return q.partError(i, err)
		}
	}
	return nil
}

// partError names the part in an error of part i, with the index counted in
// the whole vector.
func (q *Product) partError(i int, err error) error {
	var domain *DomainError
	var precision *PrecisionError
	switch {
	case errors.As(err, &domain):
		c := *domain
		c.Param, c.Index = q.partParam(i, c.Param, c.Index)
		return &c
	case errors.As(err, &precision):
		c := *precision
		c.Param, c.Index = q.partParam(i, c.Param, c.Index)
		return &c
	}
	return fmt.Errorf("expfam: part %d of %s: %w", i, q.name, err)
}

func (q *Product) partParam(i int, param string, index int) (string, int) {
	if index >= 0 {
		index += q.p[i]
	}
	return fmt.Sprintf("part %d: %s", i, param), index
}

// moveParts moves every part by its share of v. If one errs, which leaves it
// unchanged, those before it go back to where they were.
func (q *Product) moveParts(v []float64, move func(d Dist, v []float64) error) error {
	q.Natural(q.saved)
	for i, d := range q.parts {
		err := move(d, q.pp(v, i))
		if err == nil {
			continue
		}
		for k, moved := range q.parts[:i] {
			if err := moved.SetNatural(q.pp(q.saved, k)); err != nil {
				panic("expfam: Product: a part refuses its own parameter: " + err.Error())
			}
		}
		return q.partError(i, err)
	}
	return nil
}

// Natural writes η, part after part, to dst.
func (q *Product) Natural(dst []float64) []float64 {
	dst = sized("Product.Natural", dst, q.NumParams())
	for i, d := range q.parts {
		d.Natural(q.pp(dst, i))
	}
	return dst
}

// SetNatural moves every part to its share of eta, or none if one refuses.
func (q *Product) SetNatural(eta []float64) error {
	checkLen("Product.SetNatural", "eta", eta, q.NumParams())
	return q.moveParts(eta, Dist.SetNatural)
}

// Expectation writes m, part after part, to dst.
func (q *Product) Expectation(dst []float64) []float64 {
	dst = sized("Product.Expectation", dst, q.NumParams())
	for i, d := range q.parts {
		d.Expectation(q.pp(dst, i))
	}
	return dst
}

// SetExpectation moves every part to its share of m, or none if one refuses
// with a *DomainError or *PrecisionError.
func (q *Product) SetExpectation(m []float64) error {
	checkLen("Product.SetExpectation", "m", m, q.NumParams())
	return q.moveParts(m, Dist.SetExpectation)
}

// Mean writes E[x], part after part, to dst.
func (q *Product) Mean(dst []float64) []float64 {
	dst = sized("Product.Mean", dst, q.Dim())
	for i, d := range q.parts {
		d.Mean(q.px(dst, i))
	}
	return dst
}

// LogPartition returns Σ A(η_i).
func (q *Product) LogPartition() float64 {
	var s float64
	for _, d := range q.parts {
		s += d.LogPartition()
	}
	return s
}

// Entropy returns the sum of the entropies in nats.
func (q *Product) Entropy() float64 {
	var s float64
	for _, d := range q.parts {
		s += d.Entropy()
	}
	return s
}

// LogProb returns Σ log p(x_i).
func (q *Product) LogProb(x []float64) float64 {
	checkLen("Product.LogProb", "x", x, q.Dim())
	var s float64
	for i, d := range q.parts {
		s += d.LogProb(q.px(x, i))
	}
	return s
}

// Sample writes one draw of every part to dst.
func (q *Product) Sample(dst []float64, rng *rand.Rand) []float64 {
	dst = sized("Product.Sample", dst, q.Dim())
	for i, d := range q.parts {
		d.Sample(q.px(dst, i), rng)
	}
	return dst
}

// FisherMul writes F·v to dst; F is block diagonal.
func (q *Product) FisherMul(dst, v []float64) []float64 {
	checkLen("Product.FisherMul", "v", v, q.NumParams())
	dst = sized("Product.FisherMul", dst, q.NumParams())
	for i, d := range q.parts {
		d.FisherMul(q.pp(dst, i), q.pp(v, i))
	}
	return dst
}

// KLTo returns the sum of the divergences of the parts in nats; q must be a
// *Product of the same families.
func (q *Product) KLTo(r Dist) float64 {
	o := as[*Product](r)
	if o.name != q.name || o.Dim() != q.Dim() {
		panic(fmt.Sprintf("expfam: Product.KLTo: q is %s, want %s", o.name, q.name))
	}
	var s float64
	for i, d := range q.parts {
		kl, err := KL(d, o.parts[i])
		if err != nil {
			panic("expfam: Product.KLTo: " + err.Error())
		}
		s += kl
	}
	return s
}

// Retract retracts every part by its own rule, along its share of tan, and
// returns the union of their conditions. If one errs, none moves.
func (q *Product) Retract(tan []float64, rho float64) (Condition, error) {
	checkLen("Product.Retract", "tan", tan, q.NumParams())
	var cond Condition
	err := q.moveParts(tan, func(d Dist, v []float64) error {
		c, err := d.Retract(v, rho)
		cond |= c
		return err
	})
	return cond, err
}

// Clone returns an independent copy.
func (q *Product) Clone() Dist {
	c := &Product{name: q.name, x: q.x, p: q.p, saved: make([]float64, len(q.saved))}
	for _, d := range q.parts {
		c.parts = append(c.parts, d.Clone())
	}
	c.paths = newProductPaths(c)
	return c
}

// MarshalBinary returns the bytes of η and of the names of the parts.
func (q *Product) MarshalBinary() ([]byte, error) { return marshalEta(q) }

// UnmarshalBinary restores what MarshalBinary returned, bit for bit, into a
// product of the same families.
func (q *Product) UnmarshalBinary(b []byte) error {
	if len(q.parts) == 0 {
		return errors.New("expfam: Product.UnmarshalBinary: the receiver has no parts, want a product of the saved families")
	}
	return unmarshalEta(q, b)
}
