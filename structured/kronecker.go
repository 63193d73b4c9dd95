package structured

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// kronecker is B = C ⊗ K on vectors that are d×q matrices by rows, Bx = CXK'.
type kronecker struct {
	c, k    Factor
	d, q    int
	save    []float64 // numbers of C to go back to
	columns *vectors
}

// Kronecker returns B = C ⊗ K from copies of c, d×d, and k, q×q, for
// matrix-variate Gaussians: x is a d×q matrix by rows, and S = (CCᵀ) ⊗ (KKᵀ), so
// that rows have covariance (KKᵀ)⁻¹ and columns (CCᵀ)⁻¹, each up to the scale of
// the other. The numbers are those of c, then those of k.
//
// The factorisation has a free scale, along which the joint Fisher matrix of C and
// K is singular; steps use its diagonal blocks (Lin et al. 2021, section 3.3). With
// whitened curvature X as a d,q,d,q array,
//
//	M_C = Π_C((1/q) Σ_j X[:,j,:,j]),   M_K = Π_K((1/d) Σ_i X[i,:,i,:]),
//
// so that a step of rate ρ moves the common scale by 2ρ. Products cost q products
// with C and d with K, which is O(pk) for low-rank roots and O(p(d+q)) for dense
// ones. It errs if d·q does not fit an int or a factor is nil.
func Kronecker(c, k Factor) (Factor, error) {
	if err := needFactor("Kronecker", "c", c); err != nil {
		return nil, err
	}
	if err := needFactor("Kronecker", "k", k); err != nil {
		return nil, err
	}
	d, q := c.Dim(), k.Dim()
	if d > math.MaxInt/q {
		return nil, domainError("structured", "Kronecker", "p", -1, float64(d)*float64(q), "a number that fits an int")
	}
	return &kronecker{c: c.Clone(), k: k.Clone(), d: d, q: q, columns: new(vectors)}, nil
}

func (f *kronecker) Name() string {
	return fmt.Sprintf("kronecker(%d: %s, %d: %s)", f.d, f.c.Name(), f.q, f.k.Name())
}

func (f *kronecker) Dim() int { return f.d * f.q }

func (f *kronecker) NumParams() int { return f.c.NumParams() + f.k.NumParams() }

func (f *kronecker) Values(dst []float64) []float64 {
	dst = sized("Values", dst, f.NumParams())
	n := f.c.NumParams()
	f.c.Values(dst[:n])
	f.k.Values(dst[n:])
	return dst
}

// both moves C, then K, and takes C back if K refuses.
func (f *kronecker) both(c, k func() error) error {
	f.save = f.c.Values(f.save)
	if err := c(); err != nil {
		return err
	}
	err := k()
	if err == nil {
		return nil
	}
	if back := f.c.SetValues(f.save); back != nil {
		panic("structured: a root refuses its own numbers: " + back.Error())
	}
	return err
}

func (f *kronecker) SetValues(v []float64) error {
	checkLen("SetValues", "v", v, f.NumParams())
	n := f.c.NumParams()
	return f.both(func() error { return f.c.SetValues(v[:n]) }, func() error { return f.k.SetValues(v[n:]) })
}

func (f *kronecker) LogDet() float64 {
	return float64(f.q)*f.c.LogDet() + float64(f.d)*f.k.LogDet()
}

// apply writes (A ⊗ B)x to dst for the maps onRow by B and onColumn by A.
func (f *kronecker) apply(fn string, dst, x []float64, onColumn, onRow func(dst, x []float64) []float64) []float64 {
	dst = copied(fn, dst, x, f.d*f.q)
	for i := range f.d {
		row := dst[i*f.q : (i+1)*f.q]
		onRow(row, row)
	}
	col := f.columns.get(f.d)
	for j := range f.q {
		f.column(col, dst, j)
		onColumn(col, col)
		for i, v := range col {
			dst[i*f.q+j] = v
		}
	}
	f.columns.put(col)
	return dst
}

// column writes column j of the matrix x to dst.
func (f *kronecker) column(dst, x []float64, j int) {
	for i := range dst {
		dst[i] = x[i*f.q+j]
	}
}

func (f *kronecker) Mul(dst, x []float64) []float64 {
	return f.apply("Mul", dst, x, f.c.Mul, f.k.Mul)
}

func (f *kronecker) MulTrans(dst, x []float64) []float64 {
	return f.apply("MulTrans", dst, x, f.c.MulTrans, f.k.MulTrans)
}

func (f *kronecker) Solve(dst, x []float64) []float64 {
	return f.apply("Solve", dst, x, f.c.Solve, f.k.Solve)
}

func (f *kronecker) SolveTrans(dst, x []float64) []float64 {
	return f.apply("SolveTrans", dst, x, f.c.SolveTrans, f.k.SolveTrans)
}

func (f *kronecker) ProjectPair(dst, a, b []float64, w float64) {
	checkLen("ProjectPair", "dst", dst, f.NumParams())
	checkLen("ProjectPair", "a", a, f.d*f.q)
	checkLen("ProjectPair", "b", b, f.d*f.q)
	n, q := f.c.NumParams(), f.q
	for i := range f.d {
		f.k.ProjectPair(dst[n:], a[i*q:(i+1)*q], b[i*q:(i+1)*q], w/float64(f.d))
	}
	ca, cb := f.columns.get(f.d), f.columns.get(f.d)
	for j := range q {
		f.column(ca, a, j)
		f.column(cb, b, j)
		f.c.ProjectPair(dst[:n], ca, cb, w/float64(q))
	}
	f.columns.put(ca)
	f.columns.put(cb)
}

func (f *kronecker) ProjectIdentity(dst []float64, w float64) {
	checkLen("ProjectIdentity", "dst", dst, f.NumParams())
	n := f.c.NumParams()
	f.c.ProjectIdentity(dst[:n], w)
	f.k.ProjectIdentity(dst[n:], w)
}

// ProjectHess contracts H before it whitens: the sum over i of the diagonal
// blocks of (C ⊗ K)⁻¹H(C ⊗ K)⁻ᵀ is K⁻¹(Σ_kl (CCᵀ)⁻¹_kl H[k,:,l,:])K⁻ᵀ, and the same
// with C and K exchanged. It costs O(p²) and allocates d²+q² numbers.
func (f *kronecker) ProjectHess(dst []float64, h *mat.SymDense, w float64) {
	checkLen("ProjectHess", "dst", dst, f.NumParams())
	d, q := f.d, f.q
	if n := h.SymmetricDim(); n != d*q {
		panic(fmt.Sprintf("structured: ProjectHess: h is %d×%d, want %d×%d", n, n, d*q, d*q))
	}
	covC, covK := covariance(f.c), covariance(f.k)
	hc, hk := mat.NewSymDense(d, nil), mat.NewSymDense(q, nil)
	rc, rk := hc.RawSymmetric(), hk.RawSymmetric()
	raw := h.RawSymmetric()
	for i := range d {
		for a := range q {
			row := raw.Data[(i*q+a)*raw.Stride:]
			for k := i; k < d; k++ {
				b := 0
				if k == i {
					b = a
				}
				for ; b < q; b++ {
					// Entry (i,a),(k,b) stands for its mirror image too, except on the diagonal.
					v := row[k*q+b]
					if k == i && b == a {
						rc.Data[i*d+i] += covK[a*q+a] * v
						rk.Data[a*q+a] += covC[i*d+i] * v
						continue
					}
					m := covK[a*q+b] * v
					if i == k {
						m *= 2
					}
					rc.Data[i*d+k] += m
					m = covC[i*d+k] * v
					if a == b {
						m *= 2
					}
					rk.Data[min(a, b)*q+max(a, b)] += m
				}
			}
		}
	}
	n := f.c.NumParams()
	f.c.ProjectHess(dst[:n], hc, w/float64(q))
	f.k.ProjectHess(dst[n:], hk, w/float64(d))
}

// covariance returns (BBᵀ)⁻¹ by rows. Cost: 2p solves.
func covariance(f Factor) []float64 {
	p := f.Dim()
	s := make([]float64, p*p)
	for j := range p {
		col := s[j*p : (j+1)*p]
		col[j] = 1
		f.Solve(col, col)
		f.SolveTrans(col, col)
	}
	return s
}

func (f *kronecker) FisherMul(dst, v []float64) []float64 {
	checkLen("FisherMul", "v", v, f.NumParams())
	dst = sized("FisherMul", dst, f.NumParams())
	n := f.c.NumParams()
	f.c.FisherMul(dst[:n], v[:n])
	f.k.FisherMul(dst[n:], v[n:])
	for i := range dst {
		if i < n {
			dst[i] *= float64(f.q)
		} else {
			dst[i] *= float64(f.d)
		}
	}
	return dst
}

func (f *kronecker) Retract(m []float64, rho float64) error {
	checkLen("Retract", "m", m, f.NumParams())
	n := f.c.NumParams()
	return f.both(func() error { return f.c.Retract(m[:n], rho) }, func() error { return f.k.Retract(m[n:], rho) })
}

// Scale puts the factor on K: the split between C and K is free.
func (f *kronecker) Scale(c float64) error { return f.k.Scale(c) }

func (f *kronecker) Clone() Factor {
	return &kronecker{c: f.c.Clone(), k: f.k.Clone(), d: f.d, q: f.q, columns: new(vectors)}
}
