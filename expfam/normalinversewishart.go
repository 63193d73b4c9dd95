package expfam

import (
	"fmt"

	"gonum.org/v1/gonum/mat"
)

// NormalInverseWishart is the joint distribution of the mean μ and covariance
// matrix Σ of a d-dimensional normal, with Σ ~ IW(ν, Ψ) and μ|Σ ~ N(μ₀, Σ/κ). An
// outcome is x = (μ, svec(Σ)), of length d + d(d+1)/2; densities are with respect
// to dμ Π_{i≤j} dΣ_ij.
//
//	T(x) = (log|Σ|, svec(Σ⁻¹), Σ⁻¹μ, μ'Σ⁻¹μ)
//	η    = (−(ν+d+2)/2, svec(−(Ψ + κμ₀μ₀')/2), κμ₀, −κ/2)
//	m    = (log|Ψ| − ψ_d(ν/2) − d log 2, svec(νΨ⁻¹), νΨ⁻¹μ₀, d/κ + νμ₀'Ψ⁻¹μ₀)
//	A(η) = νd/2·log 2 − ν/2·log|Ψ| + log Γ_d(ν/2) − d/2·log κ,   h = (2π)^(−d/2)
//
// (Gelman et al. 2013, Bayesian Data Analysis, section 3.6). It is the
// [NormalWishart] with V = Ψ⁻¹ of (μ, Σ⁻¹). The zero value is good for
// UnmarshalBinary only.
type NormalInverseWishart struct{ *invertedWishart }

func newNormalInverseWishart(d int) *NormalInverseWishart {
	return &NormalInverseWishart{newInvertedWishart("normal-inverse-wishart", newNormalWishart(d), d, d)}
}

// NewNormalInverseWishart returns NIW(mu0, kappa, dof, scale) with μ₀ = mu0,
// κ = kappa, ν = dof and Ψ = scale. It errs unless mu0 is finite, kappa > 0,
// dof > d−1 and scale positive definite, and panics if the sizes differ.
func NewNormalInverseWishart(mu0 []float64, kappa, dof float64, scale mat.Symmetric) (*NormalInverseWishart, error) {
	const family, fn = "normal-inverse-wishart", "New"
	d := len(mu0)
	if err := absent(family, fn, "scale", scale); err != nil {
		return nil, err
	}
	if scale.SymmetricDim() != d {
		panicLen("NewNormalInverseWishart", "scale", scale.SymmetricDim(), d)
	}
	if d == 0 {
		return nil, &DomainError{family, fn, "length of mu0", -1, 0, ">= 1"}
	}
	if err := finite(family, fn, "mu0", mu0); err != nil {
		return nil, err
	}
	q := newNormalInverseWishart(d)
	b := make([]float64, d*d)
	for i := range d {
		for j := range d {
			b[i*d+j] = scale.At(i, j)
		}
	}
	base := q.base.(*NormalWishart)
	if err := base.setParams(fn, mu0, kappa, dof, b); err != nil {
		return nil, q.own(err)
	}
	eta := base.Natural(nil)
	eta[0] = -0.5 * (dof + float64(d) + 2)
	if err := q.SetNatural(eta); err != nil {
		return nil, err
	}
	return q, nil
}

// Mu0 writes μ₀ to dst.
func (q *NormalInverseWishart) Mu0(dst []float64) []float64 { return q.base.(*NormalWishart).Mu0(dst) }

// Kappa returns κ, the number of observations that μ₀ is worth.
func (q *NormalInverseWishart) Kappa() float64 { return q.base.(*NormalWishart).Kappa() }

// Mean writes (E[μ], svec(E[Σ])) = (μ₀, svec(Ψ/(ν−d−1))) to dst; for ν ≤ d+1 E[Σ]
// does not exist, and its diagonal is +Inf and the rest NaN.
func (q *NormalInverseWishart) Mean(dst []float64) []float64 {
	dst = sized("NormalInverseWishart.Mean", dst, q.Dim())
	q.Mu0(dst[:q.d])
	q.meanMatrix(dst[q.d:])
	return dst
}

// KLTo returns KL(receiver‖p) in nats, that of the normal-Wishart distributions of
// (μ, Σ⁻¹); p must be a *NormalInverseWishart of equal order.
func (q *NormalInverseWishart) KLTo(p Dist) float64 {
	return q.base.(*NormalWishart).KLTo(as[*NormalInverseWishart](p).base)
}

// Retract moves η to η + rho·tan, with rho halved, and Shortened returned, as long
// as that is not proper. It errs, with the receiver unchanged, if tan or rho is not
// finite or no step is admissible.
func (q *NormalInverseWishart) Retract(tan []float64, rho float64) (Condition, error) {
	return retractHalving(q, tan, rho, q.try)
}

// Clone returns an independent copy.
func (q *NormalInverseWishart) Clone() Dist { return &NormalInverseWishart{q.copyOf()} }

// MarshalBinary returns the bytes of η.
func (q *NormalInverseWishart) MarshalBinary() ([]byte, error) { return marshalEta(q) }

// UnmarshalBinary restores what MarshalBinary returned, bit for bit. The receiver
// has the saved dimension or is a zero value.
func (q *NormalInverseWishart) UnmarshalBinary(b []byte) error {
	if q.invertedWishart != nil {
		return unmarshalEta(q, b)
	}
	dim, eta, err := decodeEta("normal-inverse-wishart", b)
	if err != nil {
		return err
	}
	d := svecOrder(dim+1) - 1
	if d < 1 || len(eta) != dim+2 {
		return fmt.Errorf("expfam: normal-inverse-wishart.UnmarshalBinary: no normal-inverse-Wishart distribution has dimension %d and %d parameters", dim, len(eta))
	}
	p := newNormalInverseWishart(d)
	if err := p.SetNatural(eta); err != nil {
		return err
	}
	*q = *p
	return nil
}
