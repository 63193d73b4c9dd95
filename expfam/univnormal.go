package expfam

import (
	"fmt"
	"math"
)

// NormalUV is the univariate normal distribution N(μ, σ²):
//
//	T(x) = (x, x²),  η = (μ/σ², −1/(2σ²)),  m = (μ, μ² + σ²)
//	A(η) = μ²/(2σ²) + log σ,  h = (2π)^(−1/2)
//
// It has all methods of a [DiagNormal] of dimension 1 and scalar accessors.
// The zero value is good for UnmarshalBinary only.
type NormalUV struct{ DiagNormal }

// NewNormalUV returns N(mu, sigma²). It errs unless mu is finite and sigma
// positive with a representable square.
func NewNormalUV(mu, sigma float64) (*NormalUV, error) {
	d, err := NewDiagNormal([]float64{mu}, []float64{sigma})
	if err != nil {
		e := err.(*DomainError)
		e.Family, e.Func, e.Index = "univariate-normal", "NewNormalUV", -1
		if e.Param == "sd" {
			e.Param = "sigma"
		}
		return nil, e
	}
	d.name = "univariate-normal"
	return &NormalUV{*d}, nil
}

// Name returns "univariate-normal".
func (n *NormalUV) Name() string { return "univariate-normal" }

// Mu returns the mean μ.
func (n *NormalUV) Mu() float64 { return n.mu[0] }

// Sigma returns the standard deviation σ.
func (n *NormalUV) Sigma() float64 { return math.Sqrt(n.v[0]) }

// KLTo returns KL(receiver‖q) in nats; q must be a *NormalUV.
func (n *NormalUV) KLTo(q Dist) float64 {
	o, ok := q.(*NormalUV)
	if !ok {
		panic(fmt.Sprintf("expfam: NormalUV.KLTo: q is %s, want univariate-normal", q.Name()))
	}
	return n.klTo(&o.DiagNormal)
}

// Clone returns an independent copy.
func (n *NormalUV) Clone() Dist {
	c := &NormalUV{*n.clone()}
	c.name = "univariate-normal"
	return c
}

// MarshalBinary returns the bytes of η.
func (n *NormalUV) MarshalBinary() ([]byte, error) { return marshalEta(n) }

// UnmarshalBinary restores what MarshalBinary returned, bit for bit. The
// receiver may be a zero value.
func (n *NormalUV) UnmarshalBinary(b []byte) error { return unmarshalEta(n, b) }

func (n *NormalUV) resize(dim, numParams int) error {
	if dim == 0 && numParams == 0 {
		*n = NormalUV{}
		return nil
	}
	if dim != 1 || numParams != 2 {
		return fmt.Errorf("a univariate normal distribution has dimension 1 and 2 parameters, not %d and %d", dim, numParams)
	}
	n.DiagNormal = *newDiagNormal(1)
	n.name = "univariate-normal"
	return nil
}
