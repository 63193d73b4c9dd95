package structured

import (
	"github.com/natgrad/natgrad/internal/la"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// tile is the number of columns of the long blocks that are worked on at a
// time, so that the rows of a tile are in the first-level cache when they are
// needed again.
const tile = 512

// heisenberg is the root of all block patterns. Up to the order of the
// coordinates it is
//
//	    ⎡A  P  R⎤  a     A, F  dense
//	B = ⎢0  D  Q⎥  n     D     diagonal
//	    ⎣0  0  F⎦  b
//
// where x = (head, middle, tail) has its head first and its tail last for the
// upper patterns, and the other way round for the lower ones: the reverse order
// of blocks makes a lower triangular pattern an upper one, and commutes with
// products, with Π and with h. The long blocks P and Q' are stored with their n
// entries a row contiguous.
type heisenberg struct {
	name           string
	p, a, n, b     int
	head, mid, end int // where head, middle and tail begin in x
	cur, next      *heisState
	step           *heisStep
	pairs          *vectors // scratch of ProjectPair
}

// heisState is an element of the group: the numbers, and the factors of the
// dense blocks.
type heisState struct {
	v      []float64
	A, F   square
	R      []float64 // a×b
	D      []float64
	P      []float64 // a×n
	Q      []float64 // b×n, the transpose of the block
	logDet float64
}

// blocks are the parts of a vector of free numbers.
type blocks struct{ A, F, R, D, P, Q []float64 }

func (f *heisenberg) blocks(v []float64) (s blocks) {
	cut := func(n int) []float64 {
		w := v[:n:n]
		v = v[n:]
		return w
	}
	s.A, s.F, s.R = cut(f.a*f.a), cut(f.b*f.b), cut(f.a*f.b)
	s.D, s.P, s.Q = cut(f.n), cut(f.a*f.n), cut(f.b*f.n)
	return s
}

func (f *heisenberg) newState() *heisState {
	s := &heisState{v: make([]float64, f.NumParams()), A: newSquare(f.a), F: newSquare(f.b)}
	w := f.blocks(s.v)
	s.A.a, s.F.a, s.R, s.D, s.P, s.Q = w.A, w.F, w.R, w.D, w.P, w.Q
	return s
}

// newHeisenberg returns the identity of a pattern with the first k1 and the
// last k2 coordinates in dense blocks, sizes that the caller has checked.
func newHeisenberg(name string, p, k1, k2 int, lower bool) *heisenberg {
	f := &heisenberg{name: name, p: p, a: k1, n: p - k1 - k2, b: k2, mid: k1, end: p - k2, pairs: new(vectors)}
	if lower {
		f.a, f.b, f.head, f.end = k2, k1, p-k2, 0
	}
	f.cur = f.newState()
	f.ProjectIdentity(f.cur.v, 1)
	f.cur.regular()
	return f
}

// regular factors the dense blocks and sums the determinant, and reports
// whether the matrix is finite and regular but for P and Q, which it does not
// look at.
func (s *heisState) regular() bool {
	if !s.A.factor() || !s.F.factor() || !allFinite(s.R) {
		return false
	}
	for _, d := range s.D {
		if !regular(d) {
			return false
		}
	}
	s.logDet = s.A.logDet() + logAbsDet(s.D) + s.F.logDet()
	return finite(s.logDet)
}

func (f *heisenberg) Name() string { return f.name }

func (f *heisenberg) Dim() int { return f.p }

func (f *heisenberg) NumParams() int {
	return f.a*f.a + f.b*f.b + f.a*f.b + f.n*(1+f.a+f.b)
}

func (f *heisenberg) LogDet() float64 { return f.cur.logDet }

func (f *heisenberg) Values(dst []float64) []float64 {
	return copied("Values", dst, f.cur.v, f.NumParams())
}

// spare returns the state that the next one is made in.
func (f *heisenberg) spare() *heisState {
	if f.next == nil {
		f.next = f.newState()
	}
	return f.next
}

func (f *heisenberg) accept() { f.cur, f.next = f.next, f.cur }

func (f *heisenberg) SetValues(v []float64) error {
	checkLen("SetValues", "v", v, f.NumParams())
	if err := nonFinite(f.name, "SetValues", "values", v); err != nil {
		return err
	}
	s := f.spare()
	copy(s.v, v)
	if s.regular() {
		f.accept()
		return nil
	}
	for i, d := range s.D {
		if !regular(d) {
			at := len(s.A.a) + len(s.F.a) + len(s.R) + i
			return domainError(f.name, "SetValues", "values", at, d, wantPivot)
		}
	}
	return singular(f.name, "dense block")
}

func (f *heisenberg) Scale(c float64) error {
	if err := checkScale(f.name, c); err != nil {
		return err
	}
	s := f.spare()
	for i, x := range f.cur.v {
		s.v[i] = c * x
	}
	if !s.regular() || !allFinite(s.P) || !allFinite(s.Q) {
		return badScale(f.name, c)
	}
	f.accept()
	return nil
}

func (f *heisenberg) Clone() Factor {
	c := *f
	c.next, c.step = nil, nil
	c.cur = c.newState()
	copy(c.cur.v, f.cur.v)
	c.cur.regular()
	return &c
}

// parts returns head, middle and tail of x.
func (f *heisenberg) parts(x []float64) (h, m, t []float64) {
	return x[f.head : f.head+f.a], x[f.mid : f.mid+f.n], x[f.end : f.end+f.b]
}

// addRows adds alpha·Mx to dst, M a long block with len(dst) rows.
func addRows(dst []float64, alpha float64, m, x []float64) {
	n, k := len(x), len(dst)
	if k == 0 {
		return
	}
	for i := 0; i < n; i += tile {
		t := min(tile, n-i)
		blas64.Gemv(blas.NoTrans, alpha, general(m[i:], k, t, n), vec(x[i:i+t]), 1, vec(dst))
	}
}

// addColumns adds M'g to dst, M a long block with len(g) rows.
func addColumns(dst, m, g []float64) {
	if len(g) > 0 {
		la.AddMulTransVec(dst, general(m, len(g), len(dst), len(dst)), g)
	}
}

// addCross adds alpha·Mx or, from the transpose, alpha·M'x to dst, M the a×b
// block R.
func (f *heisenberg) addCross(t blas.Transpose, dst []float64, alpha float64, x []float64) {
	if f.a > 0 && f.b > 0 {
		blas64.Gemv(t, alpha, general(f.cur.R, f.a, f.b, f.b), vec(x), 1, vec(dst))
	}
}

// Mul makes Bx in dst from the head down, so that no entry is overwritten
// before its last use.
func (f *heisenberg) Mul(dst, x []float64) []float64 {
	dst = copied("Mul", dst, x, f.p)
	s := f.cur
	h, m, t := f.parts(dst)
	s.A.mul(h)
	addRows(h, 1, s.P, m)
	f.addCross(blas.NoTrans, h, 1, t)
	for j, d := range s.D {
		m[j] *= d
	}
	addColumns(m, s.Q, t)
	s.F.mul(t)
	return dst
}

// MulTrans makes B'x in dst from the tail up.
func (f *heisenberg) MulTrans(dst, x []float64) []float64 {
	dst = copied("MulTrans", dst, x, f.p)
	s := f.cur
	h, m, t := f.parts(dst)
	s.F.mulTrans(t)
	addRows(t, 1, s.Q, m)
	f.addCross(blas.Trans, t, 1, h)
	for j, d := range s.D {
		m[j] *= d
	}
	addColumns(m, s.P, h)
	s.A.mulTrans(h)
	return dst
}

// Solve makes B⁻¹x in dst from the tail up.
func (f *heisenberg) Solve(dst, x []float64) []float64 {
	dst = copied("Solve", dst, x, f.p)
	s := f.cur
	h, m, t := f.parts(dst)
	s.F.solve(t)
	f.solveMiddle(m, s.Q, t)
	addRows(h, -1, s.P, m)
	f.addCross(blas.NoTrans, h, -1, t)
	s.A.solve(h)
	return dst
}

// SolveTrans makes B⁻ᵀx in dst from the head down.
func (f *heisenberg) SolveTrans(dst, x []float64) []float64 {
	dst = copied("SolveTrans", dst, x, f.p)
	s := f.cur
	h, m, t := f.parts(dst)
	s.A.solveTrans(h)
	f.solveMiddle(m, s.P, h)
	addRows(t, -1, s.Q, m)
	f.addCross(blas.Trans, t, -1, h)
	s.F.solveTrans(t)
	return dst
}

// solveMiddle overwrites m by D⁻¹(m − M'g), M one of the long blocks.
func (f *heisenberg) solveMiddle(m, block, g []float64) {
	// The minus goes on m, as there is no place for −g.
	for i := 0; i < f.n; i += tile {
		t := min(tile, f.n-i)
		part, d := m[i:i+t], f.cur.D[i:i+t]
		if len(g) > 0 {
			for j, x := range part {
				part[j] = -x
			}
			la.AddMulTransVec(part, general(block[i:], len(g), t, f.n), g)
			for j, x := range part {
				part[j] = -x
			}
		}
		for j, x := range part {
			part[j] = x / d[j]
		}
	}
}

func (f *heisenberg) FisherMul(dst, v []float64) []float64 {
	dst = copied("FisherMul", dst, v, f.NumParams())
	w := f.blocks(dst)
	for _, block := range [][]float64{w.A, w.F, w.D} {
		for i := range block {
			block[i] *= 2
		}
	}
	return dst
}

// addDiagonal adds w to the diagonal of the k×k numbers of dst.
func addDiagonal(dst []float64, k int, w float64) {
	for i := range k {
		dst[i*k+i] += w
	}
}

func (f *heisenberg) ProjectIdentity(dst []float64, w float64) {
	checkLen("ProjectIdentity", "dst", dst, f.NumParams())
	d := f.blocks(dst)
	addDiagonal(d.A, f.a, w)
	addDiagonal(d.F, f.b, w)
	for j := range d.D {
		d.D[j] += w
	}
}
