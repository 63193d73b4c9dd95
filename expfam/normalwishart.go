package expfam

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/internal/special"
	"gonum.org/v1/gonum/mat"
)

// NormalWishart is the joint distribution of the mean μ and precision matrix Λ
// of a d-dimensional normal, with Λ ~ W(ν, V) and μ|Λ ~ N(μ₀, (κΛ)⁻¹). An
// outcome is x = (μ, svec(Λ)), of length d + d(d+1)/2; densities are with
// respect to dμ Π_{i≤j} dΛ_ij.
//
//	T(x) = (log|Λ|, svec(Λ), Λμ, μ'Λμ)
//	η    = ((ν−d)/2, svec(−(V⁻¹ + κμ₀μ₀')/2), κμ₀, −κ/2)
//	m    = (ψ_d(ν/2) + d log 2 + log|V|, svec(νV), νVμ₀, d/κ + νμ₀'Vμ₀)
//	A(η) = νd/2·log 2 + ν/2·log|V| + log Γ_d(ν/2) − d/2·log κ,   h = (2π)^(−d/2)
//
// (Bishop 2006, section 2.3.6). For d = 1 it is the [NormalGamma] with α = ν/2,
// β = 1/(2V). The zero value is good for UnmarshalBinary only.
type NormalWishart struct {
	eta, try  []float64
	cur, next *normalWishartParams
}

type normalWishartParams struct {
	*wishartCore
	mu0, dMu []float64 // dMu is scratch of FisherMul
	kappa    float64
}

func newNormalWishart(d int) *NormalWishart {
	n := 2 + SvecLen(d) + d
	params := func() *normalWishartParams {
		return &normalWishartParams{newWishartCore(d), make([]float64, d), make([]float64, d), 0}
	}
	return &NormalWishart{make([]float64, n), make([]float64, n), params(), params()}
}

// NewNormalWishart returns NW(mu0, kappa, dof, scale) with μ₀ = mu0, κ = kappa,
// ν = dof and V = scale. It errs unless mu0 is finite, kappa > 0, dof > d−1 and
// scale positive definite, and panics if the sizes differ.
func NewNormalWishart(mu0 []float64, kappa, dof float64, scale mat.Symmetric) (*NormalWishart, error) {
	const fn = "NewNormalWishart"
	d := len(mu0)
	if err := absent("normal-wishart", fn, "scale", scale); err != nil {
		return nil, err
	}
	if scale.SymmetricDim() != d {
		panicLen(fn, "scale", scale.SymmetricDim(), d)
	}
	if d == 0 {
		return nil, &DomainError{"normal-wishart", fn, "length of mu0", -1, 0, ">= 1"}
	}
	if i := firstNonFinite(mu0); i >= 0 {
		return nil, &DomainError{"normal-wishart", fn, "mu0", i, mu0[i], "finite"}
	}
	b, err := invertSPD("normal-wishart", fn, "scale", scale)
	if err != nil {
		return nil, err
	}
	n := newNormalWishart(d)
	if err := n.setParams(fn, mu0, kappa, dof, b); err != nil {
		return nil, err
	}
	return n, nil
}

// setParams moves the receiver to μ₀, κ, ν and B = V⁻¹.
func (n *NormalWishart) setParams(fn string, mu0 []float64, kappa, dof float64, b []float64) error {
	d := n.Order()
	if !isPositive(kappa) {
		return &DomainError{"normal-wishart", fn, "kappa", -1, kappa, "> 0 and finite"}
	}
	if !(dof > float64(d-1)) || math.IsInf(dof, 0) {
		return &DomainError{"normal-wishart", fn, "dof", -1, dof, "finite and > d−1"}
	}
	eta := n.try
	eta[0] = 0.5 * (dof - float64(d))
	s := make([]float64, d*d)
	for i := range d {
		for j := range d {
			s[i*d+j] = b[i*d+j] + kappa*mu0[i]*mu0[j]
		}
	}
	_, sv, lin := n.blocks(eta)
	packPrecision(sv, s, d)
	for i, m := range mu0 {
		lin[i] = kappa * m
	}
	eta[len(eta)-1] = -0.5 * kappa
	return n.set(fn, eta)
}

// blocks returns the svec and the linear block of a parameter vector, after
// its first entry.
func (n *NormalWishart) blocks(v []float64) (first float64, sv, lin []float64) {
	k := 1 + SvecLen(n.Order())
	return v[0], v[1:k], v[k : len(v)-1]
}

// load sets the candidate from eta and reports whether it is proper.
func (n *NormalWishart) load(eta []float64) bool {
	p, d := n.next, n.Order()
	a, sv, lin := n.blocks(eta)
	p.nu = 2*a + float64(d)
	p.kappa = -2 * eta[len(eta)-1]
	if !isPositive(p.kappa) || math.IsInf(1/p.kappa, 0) {
		return false
	}
	for i, l := range lin {
		p.mu0[i] = l / p.kappa
	}
	unpackPrecision(p.b, sv, d)
	for i, l := range lin {
		for j, m := range p.mu0 {
			p.b[i*d+j] -= l * m
		}
	}
	return p.factor() && firstNonFinite(p.mu0) < 0
}

func (n *NormalWishart) accept(eta []float64) {
	copy(n.eta, eta)
	n.cur, n.next = n.next, n.cur
}

func (n *NormalWishart) set(fn string, eta []float64) error {
	if i := firstNonFinite(eta); i >= 0 {
		return &DomainError{"normal-wishart", fn, "eta", i, eta[i], "finite"}
	}
	if n.load(eta) {
		n.accept(eta)
		return nil
	}
	p := n.next
	if !isPositive(p.kappa) || math.IsInf(1/p.kappa, 0) {
		return &DomainError{"normal-wishart", fn, "kappa", len(eta) - 1, p.kappa, "> 0, with a finite inverse"}
	}
	if i := firstNonFinite(p.mu0); i >= 0 {
		return &DomainError{"normal-wishart", fn, "mu0", -1, p.mu0[i], "finite"}
	}
	return p.refusal("normal-wishart", fn)
}

// Name returns "normal-wishart".
func (n *NormalWishart) Name() string { return "normal-wishart" }

// Order returns d.
func (n *NormalWishart) Order() int { return n.cur.dim }

// Dim returns d + d(d+1)/2, the length of (μ, svec(Λ)).
func (n *NormalWishart) Dim() int { return max(len(n.eta)-2, 0) }

// NumParams returns 2 + d + d(d+1)/2.
func (n *NormalWishart) NumParams() int { return len(n.eta) }

// Mu0 writes μ₀ to dst.
func (n *NormalWishart) Mu0(dst []float64) []float64 {
	dst = sized("NormalWishart.Mu0", dst, n.Order())
	copy(dst, n.cur.mu0)
	return dst
}

// Kappa returns κ, the number of observations that μ₀ is worth.
func (n *NormalWishart) Kappa() float64 { return n.cur.kappa }

// Dof returns ν.
func (n *NormalWishart) Dof() float64 { return n.cur.nu }

// Scale writes V to dst, a new matrix if dst is nil.
func (n *NormalWishart) Scale(dst *mat.SymDense) *mat.SymDense {
	return n.cur.scale(symSized("NormalWishart.Scale", dst, n.Order()))
}

// SuffStat writes (log|Λ|, svec(Λ), Λμ, μ'Λμ) to dst; log|Λ| is −Inf outside the
// support.
func (n *NormalWishart) SuffStat(dst, x []float64) []float64 {
	checkLen("NormalWishart.SuffStat", "x", x, n.Dim())
	dst = sized("NormalWishart.SuffStat", dst, n.NumParams())
	d := n.Order()
	mu, l := x[:d], x[d:]
	dst[0] = n.cur.logDetSvec(l)
	_, sv, lin := n.blocks(dst)
	copy(sv, l)
	symvSvec(lin, l, mu)
	dst[len(dst)-1] = dot(lin, mu)
	return dst
}

// symvSvec writes Smat(a)·x to dst.
func symvSvec(dst, a, x []float64) {
	clear(dst)
	k := 0
	for i := range x {
		dst[i] += a[k] * x[i]
		k++
		for j := i + 1; j < len(x); j++ {
			v := a[k] / math.Sqrt2
			dst[i] += v * x[j]
			dst[j] += v * x[i]
			k++
		}
	}
}

// LogBase returns −(d/2) log 2π, −Inf unless Λ is positive definite.
func (n *NormalWishart) LogBase(x []float64) float64 {
	checkLen("NormalWishart.LogBase", "x", x, n.Dim())
	d := n.Order()
	if math.IsInf(n.cur.logDetSvec(x[d:]), -1) {
		return math.Inf(-1)
	}
	return -0.5 * float64(d) * log2Pi
}

// CheckNatural errs unless eta is finite, κ > 0, ν > d−1 and V positive definite.
func (n *NormalWishart) CheckNatural(eta []float64) error {
	checkLen("NormalWishart.CheckNatural", "eta", eta, n.NumParams())
	return newNormalWishart(n.Order()).set("CheckNatural", eta)
}

// Natural writes η to dst.
func (n *NormalWishart) Natural(dst []float64) []float64 {
	dst = sized("NormalWishart.Natural", dst, n.NumParams())
	copy(dst, n.eta)
	return dst
}

// SetNatural moves the receiver to eta.
func (n *NormalWishart) SetNatural(eta []float64) error {
	checkLen("NormalWishart.SetNatural", "eta", eta, n.NumParams())
	return n.set("SetNatural", eta)
}

// Expectation writes m to dst.
func (n *NormalWishart) Expectation(dst []float64) []float64 {
	dst = sized("NormalWishart.Expectation", dst, n.NumParams())
	p := n.cur
	dst[0] = p.meanLogDet()
	_, sv, lin := n.blocks(dst)
	p.meanSvec(sv)
	symvSvec(lin, sv, p.mu0)
	dst[len(dst)-1] = float64(p.dim)/p.kappa + dot(lin, p.mu0)
	return dst
}

// Mean writes (E[μ], svec(E[Λ])) = (μ₀, svec(νV)) to dst; E[μ] exists for ν > d
// and is the location μ₀ otherwise.
func (n *NormalWishart) Mean(dst []float64) []float64 {
	dst = sized("NormalWishart.Mean", dst, n.Dim())
	copy(dst, n.cur.mu0)
	n.cur.meanSvec(dst[n.Order():])
	return dst
}

// LogPartition returns A(η).
func (n *NormalWishart) LogPartition() float64 {
	return n.cur.logNorm() - 0.5*float64(n.Order())*math.Log(n.cur.kappa)
}

// Entropy returns the entropy of W(ν, V) plus ½[d log 2πe − d log κ − E log|Λ|]
// in nats.
func (n *NormalWishart) Entropy() float64 {
	p := n.cur
	return p.entropy() + 0.5*(float64(p.dim)*(1+log2Pi-math.Log(p.kappa))-p.meanLogDet())
}

// LogProb returns log p(μ, Λ), −Inf unless Λ is positive definite.
func (n *NormalWishart) LogProb(x []float64) float64 {
	checkLen("NormalWishart.LogProb", "x", x, n.Dim())
	p, d := n.cur, n.Order()
	mu, sv := x[:d], x[d:]
	l := p.logDetSvec(sv)
	if math.IsInf(l, -1) {
		return l
	}
	var q float64
	k := 0
	for i, m := range mu {
		r := m - p.mu0[i]
		q += sv[k] * r * r
		k++
		for j := i + 1; j < d; j++ {
			q += math.Sqrt2 * sv[k] * r * (mu[j] - p.mu0[j])
			k++
		}
	}
	return -0.5*float64(d)*log2Pi + n.eta[0]*l - 0.5*(p.traceB(sv)+p.kappa*q) - n.LogPartition()
}

// Sample writes (μ, svec(Λ)) to dst: Λ by Bartlett's decomposition, then
// μ = μ₀ + (κΛ)^(−1/2)ε.
func (n *NormalWishart) Sample(dst []float64, rng *rand.Rand) []float64 {
	dst = sized("NormalWishart.Sample", dst, n.Dim())
	p, d := n.cur, n.Order()
	mu, sv := dst[:d], dst[d:]
	for i := range mu {
		mu[i] = rng.NormFloat64()
	}
	p.sample(sv, mu, rng)
	for i, m := range p.mu0 {
		mu[i] = m + mu[i]/math.Sqrt(p.kappa)
	}
	return dst
}

// FisherMul writes F·v to dst, the derivative of m along dν = 2v₁, dκ = −2v₄,
// dμ₀ = (v₃ − μ₀dκ)/κ and dB = −2 Smat(v₂) − d(κμ₀μ₀').
func (n *NormalWishart) FisherMul(dst, v []float64) []float64 {
	checkLen("NormalWishart.FisherMul", "v", v, n.NumParams())
	dst = sized("NormalWishart.FisherMul", dst, n.NumParams())
	p := n.cur
	d := p.dim
	dKappa := -2 * v[len(v)-1]
	_, _, vLin := n.blocks(v)
	p.lock.Lock()
	defer p.lock.Unlock()
	for i, m := range p.mu0 {
		p.dMu[i] = (vLin[i] - m*dKappa) / p.kappa
	}
	copy(dst, v)
	a, q, lin := n.blocks(dst)
	// Q = −dB/2 = Smat(v₂) + d(κμ₀μ₀')/2, where κ(dμ₀μ₀' + μ₀dμ₀') + dκμ₀μ₀'
	// = lμ₀' + μ₀l' with l = κdμ₀ + dκμ₀/2.
	k := 0
	for i := range d {
		li := p.kappa*p.dMu[i] + 0.5*dKappa*p.mu0[i]
		q[k] += li * p.mu0[i]
		k++
		for j := i + 1; j < d; j++ {
			lj := p.kappa*p.dMu[j] + 0.5*dKappa*p.mu0[j]
			q[k] += (li*p.mu0[j] + p.mu0[i]*lj) / math.Sqrt2
			k++
		}
	}
	dst[0] = p.fisher(a, q)
	// dm₃ = dM μ₀ + M dμ₀,  dm₄ = −d dκ/κ² + μ₀'(dM μ₀) + 2 μ₀'M dμ₀.
	symvSvec(lin, q, p.mu0)
	last := -float64(d)*dKappa/(p.kappa*p.kappa) + dot(lin, p.mu0)
	for i := range d {
		var mi float64
		for j := range d {
			mi += p.nu * p.v(min(i, j), max(i, j)) * p.dMu[j]
		}
		lin[i] += mi
		last += 2 * p.mu0[i] * mi
	}
	dst[len(dst)-1] = last
	return dst
}

// KLTo returns KL(receiver‖q) in nats; q must be a *NormalWishart of equal
// order: the divergence of the Wisharts plus
// ½[d(κ_q/κ − 1 − log(κ_q/κ)) + κ_q ν r'Vr], r = μ₀ − μ₀q.
func (n *NormalWishart) KLTo(q Dist) float64 {
	o, ok := q.(*NormalWishart)
	if !ok || o.Dim() != n.Dim() {
		panic(fmt.Sprintf("expfam: NormalWishart.KLTo: q is %s of dimension %d, want normal-wishart of dimension %d", q.Name(), q.Dim(), n.Dim()))
	}
	a, b := n.cur, o.cur
	var rvr float64
	for i := range a.dim {
		for j := range a.dim {
			rvr += (a.mu0[i] - b.mu0[i]) * a.v(min(i, j), max(i, j)) * (a.mu0[j] - b.mu0[j])
		}
	}
	return a.klTo(b.wishartCore) + 0.5*(b.kappa*a.nu*rvr-float64(a.dim)*special.Log1pmx((b.kappa-a.kappa)/a.kappa))
}

// Retract moves η to η + rho·tan, with rho halved, and Shortened returned, as
// long as that is not proper. It errs, with the receiver unchanged, if tan or
// rho is not finite or no step is admissible.
func (n *NormalWishart) Retract(tan []float64, rho float64) (Condition, error) {
	checkLen("NormalWishart.Retract", "tan", tan, n.NumParams())
	return retractHalving(n, tan, rho, n.try)
}

// Clone returns an independent copy.
func (n *NormalWishart) Clone() Dist {
	c := newNormalWishart(n.Order())
	copy(c.eta, n.eta)
	c.cur.set(n.cur.wishartCore)
	copy(c.cur.mu0, n.cur.mu0)
	c.cur.kappa = n.cur.kappa
	return c
}

// MarshalBinary returns the bytes of η.
func (n *NormalWishart) MarshalBinary() ([]byte, error) { return marshalEta(n) }

// UnmarshalBinary restores what MarshalBinary returned, bit for bit. The
// receiver has the saved dimension or is a zero value.
func (n *NormalWishart) UnmarshalBinary(b []byte) error { return unmarshalEta(n, b) }

func (n *NormalWishart) resize(dim, numParams int) error {
	if dim == 0 && numParams == 0 {
		*n = NormalWishart{}
		return nil
	}
	// dim = d + d(d+1)/2 = SvecLen(d+1) − 1.
	d := svecOrder(dim+1) - 1
	if d < 1 || numParams != dim+2 {
		return fmt.Errorf("no normal-Wishart distribution has dimension %d and %d parameters", dim, numParams)
	}
	*n = *newNormalWishart(d)
	return nil
}
