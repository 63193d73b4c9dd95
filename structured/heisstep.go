package structured

import (
	"github.com/natgrad/natgrad/internal/la"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

func (f *heisenberg) ProjectPair(dst, x, y []float64, w float64) {
	checkLen("ProjectPair", "dst", dst, f.NumParams())
	checkLen("ProjectPair", "a", x, f.p)
	checkLen("ProjectPair", "b", y, f.p)
	d := f.blocks(dst)
	xh, xm, xt := f.parts(x)
	yh, ym, yt := f.parts(y)
	symRank2(d.A, xh, yh, w)
	symRank2(d.F, xt, yt, w)
	addOuter2(d.R, xh, yh, xt, yt, w)
	side := min(tile, f.n)
	pair := f.pairs.get(2*side + 2)
	defer f.pairs.put(pair)
	c := pair[2*side:]
	for i := 0; i < f.n; i += tile {
		t := min(tile, f.n-i)
		xi, yi := xm[i:i+t], ym[i:i+t]
		dd := d.D[i : i+t]
		for j, v := range xi {
			dd[j] += w * v * yi[j]
		}
		// Side by side x and y are a matrix, for which there is a fast product.
		copy(pair[:t], yi)
		copy(pair[side:], xi)
		rows := general(pair, 2, t, side)
		for r := range f.a {
			c[0], c[1] = w*xh[r], w*yh[r]
			la.AddMulTransVec(d.P[r*f.n+i:][:t], rows, c)
		}
		for r := range f.b {
			c[0], c[1] = w*xt[r], w*yt[r]
			la.AddMulTransVec(d.Q[r*f.n+i:][:t], rows, c)
		}
	}
}

// addPair adds c·x + e·y to dst.
func addPair(dst []float64, c float64, x []float64, e float64, y []float64) {
	x, y = x[:len(dst)], y[:len(dst)]
	for j := range dst {
		dst[j] += c*x[j] + e*y[j]
	}
}

// addOuter2 adds w(a d' + b c') to the len(a)×len(c) numbers of dst, twice the
// block of ½(uv' + vu') with u = (a, c), v = (b, d).
func addOuter2(dst, a, b, c, d []float64, w float64) {
	k := len(c)
	for i, ai := range a {
		addPair(dst[i*k:][:k], w*ai, d, w*b[i], c)
	}
}

func (f *heisenberg) ProjectHess(dst []float64, h *mat.SymDense, w float64) {
	checkLen("ProjectHess", "dst", dst, f.NumParams())
	buf := whiten(f, h)
	defer scratch.Put(buf)
	x, p := *buf, f.p
	d := f.blocks(dst)
	head, mid, end := f.head, f.mid, f.end
	add := func(block []float64, stride, rows, row, cols, col int, w float64) {
		for i := range rows {
			axpy(block[i*stride:][:cols], w, x[(row+i)*p+col:][:cols])
		}
	}
	add(d.A, f.a, f.a, head, f.a, head, w)
	add(d.F, f.b, f.b, end, f.b, end, w)
	add(d.R, f.b, f.a, head, f.b, end, 2*w)
	add(d.P, f.n, f.a, head, f.n, mid, 2*w)
	add(d.Q, f.n, f.b, end, f.n, mid, 2*w)
	for j := range d.D {
		d.D[j] += w * x[(mid+j)*p+mid+j]
	}
}

// heisStep is the scratch of Retract.
type heisStep struct {
	ta, ca, ea []float64 // a×a: AN, ρ(A + ½AN), ½ρA
	tf, hf, cf []float64 // b×b: FN, (h(N) − I)', ½ρ²M'
	tr         []float64 // a×b: (BN) there
	n, h, v, t [tile]float64
	zero       [tile]float64 // whose product with a row is 0 if that is finite
}

// Retract moves block by block. With N = ρM and T = BN the new root is
// B + T + ½TN; for the long blocks, with n the diagonal of N in the middle,
//
//	P ← P h(n) + (A + ½AN_A)N_P + ½(AN_P)n
//	Q ← Q h(N_F) + D((I + ½n)N_Q + ½N_Q N_F)
func (f *heisenberg) Retract(m []float64, rho float64) error {
	checkLen("Retract", "m", m, f.NumParams())
	next := f.spare()
	if f.step == nil {
		sq := func(k int) []float64 { return make([]float64, k) }
		f.step = &heisStep{
			ta: sq(f.a * f.a), ca: sq(f.a * f.a), ea: sq(f.a * f.a),
			tf: sq(f.b * f.b), hf: sq(f.b * f.b), cf: sq(f.b * f.b), tr: sq(f.a * f.b),
		}
	}
	d := f.blocks(m)
	f.moveDense(d, rho)
	if !f.moveLong(d, rho) {
		return f.refuse(m, rho)
	}
	f.moveCross(d, rho)
	if !next.regular() {
		return f.refuse(m, rho)
	}
	f.accept()
	return nil
}

func (f *heisenberg) refuse(m []float64, rho float64) error {
	if err := checkStep(f.name, m, rho); err != nil {
		return err
	}
	return noStep(f.name, rho)
}

// moveDense makes A and F of the next state, and the coefficients of the long
// blocks.
func (f *heisenberg) moveDense(d blocks, rho float64) {
	cur, next, s := f.cur, f.next, f.step
	moveSquare(next.A.a, cur.A.a, d.A, s.ta, f.a, rho)
	moveSquare(next.F.a, cur.F.a, d.F, s.tf, f.b, rho)
	for i, x := range cur.A.a {
		s.ca[i] = rho * (x + 0.5*s.ta[i])
		s.ea[i] = 0.5 * rho * x
	}
	k := f.b
	for i := range k {
		for j := range k {
			s.hf[j*k+i] = rho * d.F[i*k+j]
			s.cf[j*k+i] = 0.5 * rho * (rho * d.F[i*k+j])
		}
	}
	mf := general(d.F, k, k, k)
	gemm(blas.Trans, blas.Trans, 0.5*rho*rho, mf, mf, general(s.hf, k, k, k))
}

// moveSquare writes A + T + ½TN to dst and T = AN to t, N = rho·m.
func moveSquare(dst, a, m, t []float64, k int, rho float64) {
	gm, gt, gd := general(m, k, k, k), general(t, k, k, k), general(dst, k, k, k)
	clear(t)
	gemm(blas.NoTrans, blas.NoTrans, rho, general(a, k, k, k), gm, gt)
	for i, x := range a {
		dst[i] = x + t[i]
	}
	gemm(blas.NoTrans, blas.NoTrans, 0.5*rho, gt, gm, gd)
}

// moveLong makes D, P and Q of the next state, and the sums over the middle
// that R needs. It reports whether P and Q are finite.
func (f *heisenberg) moveLong(d blocks, rho float64) bool {
	cur, next, s := f.cur, f.next, f.step
	clear(s.tr)
	clear(next.R)
	for i := 0; i < f.n; i += tile {
		t := min(tile, f.n-i)
		n, h, v, tp, zero := s.n[:t], s.h[:t], s.v[:t], s.t[:t], s.zero[:t]
		for j, x := range d.D[i : i+t] {
			x *= rho
			n[j], h[j] = x, 1+x+0.5*x*x
		}
		diag := cur.D[i : i+t]
		for j, x := range diag {
			next.D[i+j] = x * h[j]
		}
		mp, mq := general(d.P[min(i, len(d.P)):], f.a, t, f.n), general(d.Q[min(i, len(d.Q)):], f.b, t, f.n)
		for r := range f.a {
			old, out := cur.P[r*f.n+i:][:t], next.P[r*f.n+i:][:t]
			clear(v)
			la.AddMulTransVec(v, mp, s.ea[r*f.a:(r+1)*f.a])
			for j, x := range old {
				out[j] = x*h[j] + v[j]*n[j]
			}
			la.AddMulTransVec(out, mp, s.ca[r*f.a:(r+1)*f.a])
			if dot(out, zero) != 0 {
				return false
			}
			if f.b > 0 {
				for j, x := range v {
					tp[j] = 2*x + old[j]*n[j] // BN there
				}
				blas64.Gemv(blas.NoTrans, rho, mq, vec(old), 1, vec(s.tr[r*f.b:(r+1)*f.b]))
				blas64.Gemv(blas.NoTrans, 0.5*rho, mq, vec(tp), 1, vec(next.R[r*f.b:(r+1)*f.b]))
			}
		}
		oldQ := general(cur.Q[min(i, len(cur.Q)):], f.b, t, f.n)
		for r := range f.b {
			mr := mq.Data[r*f.n:][:t]
			for j, x := range mr {
				v[j] = rho * (1 + 0.5*n[j]) * x
			}
			la.AddMulTransVec(v, mq, s.cf[r*f.b:(r+1)*f.b])
			old, out := cur.Q[r*f.n+i:][:t], next.Q[r*f.n+i:][:t]
			for j, x := range v {
				out[j] = old[j] + diag[j]*x
			}
			la.AddMulTransVec(out, oldQ, s.hf[r*f.b:(r+1)*f.b])
			if dot(out, zero) != 0 {
				return false
			}
		}
	}
	return true
}

// moveCross makes R of the next state, to which moveLong has brought
// ½Σ(BN)_P N_Q, with Σ P N_Q in the scratch.
func (f *heisenberg) moveCross(d blocks, rho float64) {
	if f.a == 0 || f.b == 0 {
		return
	}
	cur, next, s := f.cur, f.next, f.step
	mr, mf := general(d.R, f.a, f.b, f.b), general(d.F, f.b, f.b, f.b)
	tr, out := general(s.tr, f.a, f.b, f.b), general(next.R, f.a, f.b, f.b)
	gemm(blas.NoTrans, blas.NoTrans, rho, general(cur.A.a, f.a, f.a, f.a), mr, tr)
	gemm(blas.NoTrans, blas.NoTrans, rho, general(cur.R, f.a, f.b, f.b), mf, tr)
	for i, x := range cur.R {
		next.R[i] += x + s.tr[i]
	}
	gemm(blas.NoTrans, blas.NoTrans, 0.5*rho, general(s.ta, f.a, f.a, f.a), mr, out)
	gemm(blas.NoTrans, blas.NoTrans, 0.5*rho, tr, mf, out)
}
