package structured

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// triangular is a lower triangular root, its rows one after the other.
type triangular struct {
	p         int
	cur, next triState
	work      []float64
}

type triState struct {
	v      []float64
	logDet float64
}

// Cholesky returns the identity of the group of regular lower triangular p×p
// matrices, of which the Cholesky factors are those with a positive diagonal.
// The p(p+1)/2 numbers are the rows of the lower triangle. Products, solves and
// ProjectPair cost O(p²), Retract and ProjectHess O(p³). It errs unless p >= 1.
func Cholesky(p int) (Factor, error) {
	if err := checkSizes("Cholesky", p); err != nil {
		return nil, err
	}
	f := &triangular{p: p, cur: triState{v: make([]float64, p*(p+1)/2)}}
	f.ProjectIdentity(f.cur.v, 1)
	return f, nil
}

func (f *triangular) Name() string { return "cholesky" }

func (f *triangular) Dim() int { return f.p }

func (f *triangular) NumParams() int { return f.p * (f.p + 1) / 2 }

func (f *triangular) LogDet() float64 { return f.cur.logDet }

// row returns the i+1 numbers of row i.
func row(v []float64, i int) []float64 { return v[i*(i+1)/2:][: i+1 : i+1] }

func (f *triangular) Values(dst []float64) []float64 {
	return copied("Values", dst, f.cur.v, f.NumParams())
}

// settle sums the determinant of the next state, and reports its first
// diagonal entry that is not regular, −1 if there is none.
func (f *triangular) settle() (bad int) {
	s := &f.next
	s.logDet = 0
	for i := range f.p {
		d := row(s.v, i)[i:]
		if !regular(d[0]) {
			return i
		}
		s.logDet += logAbsDet(d)
	}
	return -1
}

func (f *triangular) spare() []float64 {
	if f.next.v == nil {
		f.next.v = make([]float64, f.NumParams())
		f.work = make([]float64, f.p)
	}
	return f.next.v
}

func (f *triangular) accept() { f.cur, f.next = f.next, f.cur }

func (f *triangular) SetValues(v []float64) error {
	checkLen("SetValues", "v", v, f.NumParams())
	if err := nonFinite(f.Name(), "SetValues", "values", v); err != nil {
		return err
	}
	copy(f.spare(), v)
	if i := f.settle(); i >= 0 {
		at := i * (i + 3) / 2
		return domainError(f.Name(), "SetValues", "values", at, v[at], wantPivot)
	}
	f.accept()
	return nil
}

func (f *triangular) Scale(c float64) error {
	if err := checkScale(f.Name(), c); err != nil {
		return err
	}
	next := f.spare()
	for i, x := range f.cur.v {
		next[i] = c * x
	}
	if !allFinite(next) || f.settle() >= 0 {
		return badScale(f.Name(), c)
	}
	f.accept()
	return nil
}

func (f *triangular) Clone() Factor {
	return &triangular{p: f.p, cur: triState{append([]float64(nil), f.cur.v...), f.cur.logDet}}
}

func (f *triangular) Mul(dst, x []float64) []float64 {
	dst = copied("Mul", dst, x, f.p)
	for i := f.p - 1; i >= 0; i-- {
		dst[i] = dot(row(f.cur.v, i), dst[:i+1])
	}
	return dst
}

func (f *triangular) MulTrans(dst, x []float64) []float64 {
	dst = copied("MulTrans", dst, x, f.p)
	for i := range f.p {
		r := row(f.cur.v, i)
		axpy(dst[:i], dst[i], r[:i])
		dst[i] *= r[i]
	}
	return dst
}

func (f *triangular) Solve(dst, x []float64) []float64 {
	dst = copied("Solve", dst, x, f.p)
	for i := range f.p {
		r := row(f.cur.v, i)
		dst[i] = (dst[i] - dot(r[:i], dst[:i])) / r[i]
	}
	return dst
}

func (f *triangular) SolveTrans(dst, x []float64) []float64 {
	dst = copied("SolveTrans", dst, x, f.p)
	for i := f.p - 1; i >= 0; i-- {
		r := row(f.cur.v, i)
		dst[i] /= r[i]
		axpy(dst[:i], -dst[i], r[:i])
	}
	return dst
}

func (f *triangular) ProjectPair(dst, a, b []float64, w float64) {
	checkLen("ProjectPair", "dst", dst, f.NumParams())
	checkLen("ProjectPair", "a", a, f.p)
	checkLen("ProjectPair", "b", b, f.p)
	for i, ai := range a {
		d := row(dst, i)
		addPair(d[:i], w*ai, b[:i], w*b[i], a[:i])
		d[i] += w * ai * b[i]
	}
}

func (f *triangular) ProjectIdentity(dst []float64, w float64) {
	checkLen("ProjectIdentity", "dst", dst, f.NumParams())
	for i := range f.p {
		row(dst, i)[i] += w
	}
}

func (f *triangular) ProjectHess(dst []float64, h *mat.SymDense, w float64) {
	checkLen("ProjectHess", "dst", dst, f.NumParams())
	buf := whiten(f, h)
	defer scratch.Put(buf)
	for i := range f.p {
		d, x := row(dst, i), (*buf)[i*f.p:]
		axpy(d[:i], 2*w, x[:i])
		d[i] += w * x[i]
	}
}

func (f *triangular) FisherMul(dst, v []float64) []float64 {
	dst = copied("FisherMul", dst, v, f.NumParams())
	for i := range f.p {
		row(dst, i)[i] *= 2
	}
	return dst
}

// Retract makes the rows b + t + ½ρtM with t = ρbM, of which row i needs the
// first i+1 rows of M only.
func (f *triangular) Retract(m []float64, rho float64) error {
	checkLen("Retract", "m", m, f.NumParams())
	next := f.spare()
	for i := range f.p {
		b, out, t := row(f.cur.v, i), row(next, i), f.work[:i+1]
		tri := blas64.TriangularPacked{Uplo: blas.Lower, Diag: blas.NonUnit, N: i + 1, Data: m}
		copy(t, b)
		blas64.Tpmv(blas.Trans, tri, vec(t))
		for j, x := range t {
			t[j] = rho * x
			out[j] = b[j] + t[j]
		}
		blas64.Tpmv(blas.Trans, tri, vec(t))
		axpy(out, 0.5*rho, t)
	}
	if !allFinite(next) || f.settle() >= 0 {
		if err := checkStep(f.Name(), m, rho); err != nil {
			return err
		}
		return noStep(f.Name(), rho)
	}
	f.accept()
	return nil
}
