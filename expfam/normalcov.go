package expfam

import (
	"fmt"
	"math"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mat"
)

// PredictorWork is the length of the scratch slice of PredictorVar, and the
// number of rows that it multiplies at once.
const PredictorWork = 256

// covCache holds roots of Σ and of its leading blocks for the present state,
// each made when it is first asked for.
type covCache struct {
	mu    sync.Mutex
	roots []covRoot
	tau   []float64
	work  []float64
	qr    []float64

	fisher []float64 // scratch of FisherMul and ScoreTangent, under mu as well
}

// covRoot is C with CC' = Σ[:cols,:cols], cols×cols row-major with explicit
// zeros: upper triangular if cols = d, else lower triangular. t is C'.
type covRoot struct {
	cols int
	ok   bool
	c, t []float64
}

func (r *covRoot) transpose() {
	for i := range r.cols {
		for j, v := range r.c[i*r.cols : (i+1)*r.cols] {
			r.t[j*r.cols+i] = v
		}
	}
}

func (c *covCache) reset() {
	for i := range c.roots {
		c.roots[i].ok = false
	}
}

func (c *covCache) slot(cols int) *covRoot {
	for i := range c.roots {
		if c.roots[i].cols == cols {
			return &c.roots[i]
		}
	}
	c.roots = append(c.roots, covRoot{cols: cols, c: make([]float64, cols*cols), t: make([]float64, cols*cols)})
	return &c.roots[len(c.roots)-1]
}

// invRoot returns W = U⁻¹, upper triangular with WW' = Σ.
func (n *Normal) invRoot() []float64 {
	w, _ := n.root(n.dim)
	return w
}

// root returns the root of Σ[:cols,:cols] and its transpose.
func (n *Normal) root(cols int) (c, t []float64) {
	n.cov.mu.Lock()
	defer n.cov.mu.Unlock()
	d := n.dim
	full := n.cov.slot(d)
	if !full.ok {
		copy(full.c, n.cur.u)
		lapack64.Trtri(blas64.Triangular{Uplo: blas.Upper, Diag: blas.NonUnit, N: d, Data: full.c, Stride: d})
		for i := range d {
			clear(full.c[i*d : i*d+i])
		}
		full.transpose()
		full.ok = true
	}
	if cols == d {
		return full.c, full.t
	}
	w := full.c
	r := n.cov.slot(cols)
	if !r.ok {
		// W[:cols,:]' = QR, so Σ[:cols,:cols] = R'R: no squared condition number.
		n.cov.leading(r.c, w, cols, d)
		r.transpose()
		r.ok = true
	}
	return r.c, r.t
}

// leading writes the lower triangular R' of the QR factorisation of the
// transposed leading rows of w to dst.
func (c *covCache) leading(dst, w []float64, cols, d int) {
	if len(c.qr) < d*cols {
		c.qr = make([]float64, d*cols)
	}
	if len(c.tau) < cols {
		c.tau = make([]float64, cols)
	}
	qr := blas64.General{Rows: d, Cols: cols, Data: c.qr[:d*cols], Stride: cols}
	for i := range cols {
		for j := range d {
			qr.Data[j*cols+i] = w[i*d+j]
		}
	}
	if len(c.work) < 64*cols {
		c.work = make([]float64, 64*cols)
	}
	lapack64.Geqrf(qr, c.tau[:cols], c.work, len(c.work))
	for i := range cols {
		for j := range cols {
			dst[i*cols+j] = 0
			if j <= i {
				dst[i*cols+j] = qr.Data[j*cols+i]
			}
		}
	}
}

// Cov writes Σ to dst, a new matrix if dst is nil.
func (n *Normal) Cov(dst *mat.SymDense) *mat.SymDense {
	d := n.dim
	dst = symSized("Normal.Cov", dst, d)
	w := n.invRoot()
	for i := range d {
		for j := i; j < d; j++ {
			dst.SetSym(i, j, dot(w[i*d+j:(i+1)*d], w[j*d+j:(j+1)*d]))
		}
	}
	return dst
}

// Precision writes S = Σ⁻¹ to dst, a new matrix if dst is nil.
func (n *Normal) Precision(dst *mat.SymDense) *mat.SymDense {
	d := n.dim
	dst = symSized("Normal.Precision", dst, d)
	for i := range d {
		for j := i; j < d; j++ {
			dst.SetSym(i, j, n.cur.s[i*d+j])
		}
	}
	return dst
}

func symSized(fn string, dst *mat.SymDense, d int) *mat.SymDense {
	if dst == nil {
		return mat.NewSymDense(d, nil)
	}
	if dst.SymmetricDim() != d {
		panicLen(fn, "dst", dst.SymmetricDim(), d)
	}
	return dst
}

// CholPrecision writes the lower triangular L with S = LL' to dst, a new
// matrix if dst is nil.
func (n *Normal) CholPrecision(dst *mat.TriDense) *mat.TriDense {
	d := n.dim
	if dst == nil {
		dst = mat.NewTriDense(d, mat.Lower, nil)
	} else if m, kind := dst.Triangle(); m != d || kind != mat.Lower {
		panic(fmt.Sprintf("expfam: Normal.CholPrecision: dst is a %d×%d matrix with Lower %t, want %d×%d Lower", m, m, kind == mat.Lower, d, d))
	}
	for i := range d {
		for j := range i + 1 {
			dst.SetTri(i, j, n.cur.u[j*d+i])
		}
	}
	return dst
}

// LogDetPrecision returns log|S|.
func (n *Normal) LogDetPrecision() float64 { return n.cur.logDet }

// Sd writes the marginal standard deviations √Σ_jj to dst.
func (n *Normal) Sd(dst []float64) []float64 {
	dst = sized("Normal.Sd", dst, n.dim)
	d := n.dim
	w := n.invRoot()
	for i := range d {
		row := w[i*d+i : (i+1)*d]
		dst[i] = math.Sqrt(dot(row, row))
	}
	return dst
}

// CovColumn writes column j of Σ to dst in O(d²).
func (n *Normal) CovColumn(dst []float64, j int) []float64 {
	dst = sized("Normal.CovColumn", dst, n.dim)
	checkIndex("Normal.CovColumn", "j", j, n.dim)
	clear(dst)
	dst[j] = 1
	n.cur.solve(dst)
	return dst
}

func checkIndex(fn, param string, i, n int) {
	if i < 0 || i >= n {
		panic(fmt.Sprintf("expfam: %s: %s is %d, want 0 <= %s < %d", fn, param, i, param, n))
	}
}

// PredictorVar writes the variances x_i'Σx_i of the linear predictors x_i'θ to
// dst, one a row of x, which meets the first x.Cols <= d coordinates of θ.
// work is scratch of length PredictorWork or more; nil allocates. Goroutines
// may work on chunks of rows at the same time, each with its own dst and work;
// the root of Σ[:x.Cols,:x.Cols] is made once for each state and shape. Cost is
// about n·x.Cols² flops, done by matrix-vector products.
func (n *Normal) PredictorVar(dst []float64, x blas64.General, work []float64) []float64 {
	dst = sized("Normal.PredictorVar", dst, x.Rows)
	if x.Cols > n.dim {
		panicLen("Normal.PredictorVar", "x.Cols", x.Cols, n.dim)
	}
	clear(dst)
	if x.Cols == 0 || x.Rows == 0 {
		return dst
	}
	if work == nil {
		work = make([]float64, PredictorWork)
	} else if len(work) < PredictorWork {
		panicLen("Normal.PredictorVar", "work", len(work), PredictorWork)
	}
	c := x.Cols
	_, t := n.root(c)
	for i0 := 0; i0 < x.Rows; i0 += PredictorWork {
		rows := min(PredictorWork, x.Rows-i0)
		y, out := work[:rows], dst[i0:i0+rows]
		for j := range c {
			k0, k1 := j, c // the rows where column j of the root is not zero
			if c == n.dim {
				k0, k1 = 0, j+1
			}
			// One matrix-vector product a column: products of narrow matrices are slower
			// in gonum, and could not leave out the zeros.
			blas64.Gemv(blas.NoTrans, 1,
				blas64.General{Rows: rows, Cols: k1 - k0, Data: x.Data[i0*x.Stride+k0:], Stride: x.Stride},
				blas64.Vector{N: k1 - k0, Data: t[j*c+k0:], Inc: 1}, 0,
				blas64.Vector{N: rows, Data: y, Inc: 1})
			for i, v := range y {
				out[i] += v * v
			}
		}
	}
	return dst
}
