package structured

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/la"
	"github.com/natgrad/natgrad/internal/wire"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// SPD is a point Z = AAᵀ on the cone of symmetric positive definite p×p matrices
// with the affine-invariant metric ⟨U,V⟩ = tr(Z⁻¹UZ⁻¹V), moved in generalised
// normal coordinates (Lin et al. 2023, "Simplifying momentum-based positive-definite
// submanifold optimization with applications to deep learning", section 3): with
// the gradient G of an objective f and tan = Π(AᵀGA)/2,
//
//	m ← alpha·m + rho·tan,   A ← A h(m)
//
// climbs f, and never leaves the cone. Π is that of [Factor] for the group of A: all
// matrices (symmetric m) or the lower triangular ones. h(M) = I + M + M²/2 is the
// default, see SetExponential.
//
// It is a degenerate posterior, all mass in Z, so that vi.Fit optimises functions
// of positive definite matrices: Sample returns svec(Z) whatever the random numbers,
// LogProb is 0, and there is no entropy. Target.Exact returns the objective to be
// maximised, at Z, and calls AddGradient; the method is Exact. An SPD is not safe for
// concurrent use. The zero value is good for UnmarshalBinary only.
type SPD struct {
	p     int
	lower bool
	expm  bool
	alpha float64
	a     []float64 // A by rows
	z     []float64 // Z by rows
	next  []float64
	mom   []float64 // momentum by rows, a p×p matrix
	try   []float64
	work  []float64
	prod  []float64 // scratch of AddGradient
	lu    square    // scratch of regular
}

const spdName = "positive definite matrix"

// NewSPD returns the point z, moved by symmetric steps. It errs unless z is
// positive definite.
func NewSPD(z mat.Symmetric) (*SPD, error) { return startSPD("NewSPD", z, false) }

// NewSPDLower returns the point z with a lower triangular root, moved within the
// lower triangular group. It errs unless z is positive definite.
func NewSPDLower(z mat.Symmetric) (*SPD, error) { return startSPD("NewSPDLower", z, true) }

func startSPD(fn string, z mat.Symmetric, lower bool) (*SPD, error) {
	if la.Absent(z) {
		return nil, domainError(spdName, fn, "size of z", -1, 0, "a matrix, not nil")
	}
	p := z.SymmetricDim()
	if p < 1 {
		return nil, domainError(spdName, fn, "dimension of z", -1, 0, ">= 1")
	}
	s := newSPD(p, lower)
	for i := range p {
		for j := range p {
			s.next[i*p+j] = z.At(i, j)
			if v := z.At(i, j); !finite(v) {
				return nil, domainError(spdName, fn, "z", i*p+j, v, "finite")
			}
		}
	}
	if !la.Cholesky(s.next, p) {
		return nil, indefinite(fn, z)
	}
	for i := range p {
		for j := range i + 1 {
			s.a[i*p+j] = s.next[j*p+i]
		}
	}
	if !s.accept(s.a) {
		return nil, indefinite(fn, z)
	}
	return s, nil
}

// indefinite is the error for a z that is not positive definite in floating point.
func indefinite(fn string, z mat.Symmetric) error {
	least := math.NaN()
	var eig mat.EigenSym
	if eig.Factorize(z, false) {
		least = eig.Values(nil)[0]
	}
	return domainError(spdName, fn, "smallest eigenvalue of z", -1, least, "> 0, beyond rounding: a positive definite matrix")
}

func newSPD(p int, lower bool) *SPD {
	n := p * p
	b := make([]float64, 7*n)
	return &SPD{p: p, lower: lower, a: b[:n], z: b[n : 2*n], next: b[2*n : 3*n], mom: b[3*n : 4*n], try: b[4*n : 5*n], work: b[5*n : 6*n], prod: b[6*n:], lu: newSquare(p)}
}

// accept makes a, which may be s.a, the root, if it is finite and regular.
func (s *SPD) accept(a []float64) bool {
	p := s.p
	if !s.regular(a) {
		return false
	}
	z := s.work
	la.Syrk(false, p, p, 1, a, p, 0, z, p)
	for i := range p {
		for j := range i {
			z[i*p+j] = z[j*p+i]
		}
		if !(z[i*p+i] > 0) || !finite(z[i*p+i]) {
			return false
		}
	}
	copy(s.a, a)
	s.z, s.work = s.work, s.z
	return true
}

// Name returns "positive definite matrix".
func (s *SPD) Name() string { return spdName }

// Order returns p.
func (s *SPD) Order() int { return s.p }

// Dim returns p(p+1)/2, the length of svec(Z).
func (s *SPD) Dim() int { return expfam.SvecLen(s.p) }

// NumParams returns the number of free entries of A: p², or p(p+1)/2 if it is lower
// triangular.
func (s *SPD) NumParams() int {
	if s.lower {
		return s.p * (s.p + 1) / 2
	}
	return s.p * s.p
}

// Matrix writes Z to dst, a new matrix if dst is nil.
func (s *SPD) Matrix(dst *mat.SymDense) *mat.SymDense {
	p := s.p
	if dst == nil {
		dst = mat.NewSymDense(p, nil)
	} else if n := dst.SymmetricDim(); n != p {
		panic(fmt.Sprintf("structured: SPD.Matrix: dst is %d×%d, want %d×%d", n, n, p, p))
	}
	for i := range p {
		for j := i; j < p; j++ {
			dst.SetSym(i, j, s.z[i*p+j])
		}
	}
	return dst
}

// Root writes A with Z = AAᵀ to dst, a new matrix if dst is nil.
func (s *SPD) Root(dst *mat.Dense) *mat.Dense {
	p := s.p
	if dst == nil {
		dst = mat.NewDense(p, p, nil)
	} else if r, c := dst.Dims(); r != p || c != p {
		panic(fmt.Sprintf("structured: SPD.Root: dst is %d×%d, want %d×%d", r, c, p, p))
	}
	for i := range p {
		dst.SetRow(i, s.a[i*p:(i+1)*p])
	}
	return dst
}

// Mean writes svec(Z) to dst.
func (s *SPD) Mean(dst []float64) []float64 {
	dst = sized("SPD.Mean", dst, s.Dim())
	k := 0
	for i := range s.p {
		dst[k] = s.z[i*s.p+i]
		k++
		for j := i + 1; j < s.p; j++ {
			dst[k] = math.Sqrt2 * s.z[i*s.p+j]
			k++
		}
	}
	return dst
}

// Sample writes svec(Z) to dst; rng is not used.
func (s *SPD) Sample(dst []float64, rng *rand.Rand) []float64 { return s.Mean(dst) }

// LogProb returns 0: the density of a point mass is not defined, and 0 leaves
// objectives as they are.
func (s *SPD) LogProb(x []float64) float64 {
	checkLen("SPD.LogProb", "x", x, s.Dim())
	return 0
}

// pack writes the free entries of the p×p matrix m to dst.
func (s *SPD) pack(dst, m []float64) {
	if !s.lower {
		copy(dst, m)
		return
	}
	for i := range s.p {
		copy(row(dst, i), m[i*s.p:])
	}
}

// unpack writes the p×p matrix with free entries v to dst.
func (s *SPD) unpack(dst, v []float64) {
	if !s.lower {
		copy(dst, v)
		return
	}
	for i := range s.p {
		clear(dst[i*s.p+copy(dst[i*s.p:], row(v, i)) : (i+1)*s.p])
	}
}

// Natural writes the free entries of A, by rows, to dst.
func (s *SPD) Natural(dst []float64) []float64 {
	dst = sized("SPD.Natural", dst, s.NumParams())
	s.pack(dst, s.a)
	return dst
}

// SetNatural moves the receiver to the root with free entries eta; momentum is
// forgotten. It errs, with the receiver unchanged, if they are not finite or the
// root is singular.
func (s *SPD) SetNatural(eta []float64) error {
	checkLen("SPD.SetNatural", "eta", eta, s.NumParams())
	s.unpack(s.next, eta)
	if !s.accept(s.next) {
		return domainError(spdName, "SetNatural", "eta", -1, math.NaN(), "the finite entries of a regular root")
	}
	clear(s.mom)
	return nil
}

// regular reports whether the matrix a is finite and regular.
func (s *SPD) regular(a []float64) bool {
	s.lu.a = a
	return s.lu.factor()
}

// SetMomentum makes alpha the weight of past steps, see the type's comment. It
// starts at 0. Momentum is forgotten when SetNatural moves the point: when the
// engine rejects a step. It errs unless alpha is in [0, 1).
func (s *SPD) SetMomentum(alpha float64) error {
	if err := checkMomentum(spdName, alpha); err != nil {
		return err
	}
	s.alpha = alpha
	clear(s.mom)
	return nil
}

// SetExponential makes steps by A ← A exp(m), geodesics for the symmetric group,
// instead of A h(m). It costs a few times as much and allocates. Far from an optimum h
// is safer: as h(m) ⪰ ½I for symmetric m, a step leaves at least a quarter of Z, whereas the
// exponential of a large m can all but reach the edge of the cone.
func (s *SPD) SetExponential(on bool) { s.expm = on }

// AddGradient adds weight·Π(AᵀGA)/2 to dst, the natural gradient of weight·f at Z
// for the symmetric gradient g = G of f with all entries free. vi maximises: to
// minimise f return −f(Z) from Target.Exact and call AddGradient with weight −1.
func (s *SPD) AddGradient(dst []float64, g *mat.SymDense, weight float64) {
	checkLen("SPD.AddGradient", "dst", dst, s.NumParams())
	p := s.p
	if n := g.SymmetricDim(); n != p {
		panic(fmt.Sprintf("structured: SPD.AddGradient: g is %d×%d, want %d×%d", n, n, p, p))
	}
	a := general(s.a, p, p, p)
	ga := general(s.work, p, p, p)
	x := general(s.prod, p, p, p)
	blas64.Symm(blas.Left, 1, g.RawSymmetric(), a, 0, ga)
	la.GemmGeneral(blas.Trans, blas.NoTrans, 1, a, ga, 0, x)
	k := 0
	for i := range p {
		for j := range p {
			switch c := 0.5 * weight * 0.5 * (s.prod[i*p+j] + s.prod[j*p+i]); {
			case !s.lower || i == j:
				dst[k] += c
			case j < i:
				dst[k] += 2 * c
			default:
				continue
			}
			k++
		}
	}
}

// FisherMul writes the metric of the coordinates m at the point times v to dst:
// 4 an entry, 2 below the diagonal of a lower triangular m. dst may be v.
func (s *SPD) FisherMul(dst, v []float64) []float64 {
	dst = copied("SPD.FisherMul", dst, v, s.NumParams())
	for i := range dst {
		dst[i] *= 4
	}
	if s.lower {
		for i := range s.p {
			for j := range i {
				row(dst, i)[j] /= 2
			}
		}
	}
	return dst
}

// Retract takes the step of the type's comment for the tangent tan. If the result is
// not finite and regular in floating point the step is halved, and Shortened returned. It errs, with
// the receiver unchanged, if tan or rho is not finite or no step is representable.
func (s *SPD) Retract(tan []float64, rho float64) (expfam.Condition, error) {
	checkLen("SPD.Retract", "tan", tan, s.NumParams())
	if err := checkTangent(spdName, "tan", tan, rho); err != nil {
		return expfam.NonFinite, err
	}
	return shorten(spdName, func(scale float64) bool { return s.step(tan, rho, scale) })
}

func (s *SPD) step(tan []float64, rho, scale float64) bool {
	p := s.p
	s.unpack(s.try, tan)
	for i, t := range s.try {
		s.try[i] = scale * (s.alpha*s.mom[i] + rho*t)
	}
	m := general(s.try, p, p, p)
	a, next := general(s.a, p, p, p), general(s.next, p, p, p)
	if s.expm {
		var e mat.Dense
		arg := mat.NewDense(p, p, s.try)
		if !finite(mat.Norm(arg, 1)) { // mat.Exp would square for ever
			return false
		}
		e.Exp(arg)
		la.GemmGeneral(blas.NoTrans, blas.NoTrans, 1, a, e.RawMatrix(), 0, next)
		s.clearUpper(s.next) // of the rounding of the exponential
	} else {
		// A h(m) = A + AM + ½(AM)M.
		la.GemmGeneral(blas.NoTrans, blas.NoTrans, 1, a, m, 0, general(s.prod, p, p, p))
		for i, v := range s.a {
			s.next[i] = v + s.prod[i]
		}
		la.GemmGeneral(blas.NoTrans, blas.NoTrans, 0.5, general(s.prod, p, p, p), m, 1, next)
	}
	if !s.accept(s.next) {
		return false
	}
	s.mom, s.try = s.try, s.mom
	return true
}

// clearUpper writes 0 above the diagonal of a if roots are lower triangular.
func (s *SPD) clearUpper(a []float64) {
	if s.lower {
		for i := range s.p {
			clear(a[i*s.p+i+1 : (i+1)*s.p])
		}
	}
}

const (
	spdMagic   = "ngspd"
	spdVersion = 1
)

// MarshalBinary writes the whole state, momentum included.
func (s *SPD) MarshalBinary() ([]byte, error) {
	if s.p == 0 {
		return nil, errors.New("structured: SPD.MarshalBinary: the zero value has no state")
	}
	w := wire.NewWriter(spdMagic, spdVersion)
	w.Int(s.p)
	flags := uint64(0)
	if s.lower {
		flags |= 1
	}
	if s.expm {
		flags |= 2
	}
	w.Uint(flags)
	w.Float(s.alpha)
	w.Floats(s.a)
	w.Floats(s.mom)
	return w.Finish(), nil
}

// UnmarshalBinary makes the receiver the point that MarshalBinary wrote, bit for
// bit. On error the receiver is unchanged.
func (s *SPD) UnmarshalBinary(b []byte) error {
	fail := func(err error) error { return fmt.Errorf("structured: SPD.UnmarshalBinary: %w", err) }
	r, err := wire.NewReader(b, spdMagic, spdVersion)
	if err != nil {
		return fail(err)
	}
	p, flags, alpha, a, mom := r.Int(), r.Uint(), r.Float(), r.Floats(), r.Floats()
	if err := r.Done(); err != nil {
		return fail(err)
	}
	if p < 1 || p > len(a) || p*p != len(a) || flags > 3 {
		return fail(fmt.Errorf("a root of order %d with %d entries", p, len(a)))
	}
	n := newSPD(p, flags&1 != 0)
	n.SetExponential(flags&2 != 0)
	if err := n.SetMomentum(alpha); err != nil {
		return fail(err)
	}
	if err := n.SetNatural(func() []float64 { v := make([]float64, n.NumParams()); n.pack(v, a); return v }()); err != nil {
		return fail(err)
	}
	if err := restore(n.mom, mom); err != nil {
		return fail(err)
	}
	n.clearUpper(n.mom)
	*s = *n
	return nil
}
