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

// predictorTile is the number of rows and of columns that PredictorVar
// multiplies at once. One tile is below the size at which the BLAS would start
// goroutines of its own, which allocates.
const predictorTile = 64

// PredictorWork is the length of the scratch slice of PredictorVar.
const PredictorWork = predictorTile * predictorTile

// covCache holds roots of Σ and of its leading blocks for the present state,
// each made when it is first asked for.
type covCache struct {
	mu    sync.Mutex
	roots []covRoot
	tau   []float64
	work  []float64
	qr    []float64

	fisher []float64 // scratch of FisherMul, under mu as well
}

// covRoot is C with CC' = Σ[:cols,:cols], cols×cols row-major with explicit
// zeros: upper triangular if cols = d, else lower triangular.
type covRoot struct {
	cols int
	ok   bool
	c    []float64
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
	c.roots = append(c.roots, covRoot{cols: cols, c: make([]float64, cols*cols)})
	return &c.roots[len(c.roots)-1]
}

// invRoot returns W = U⁻¹, upper triangular with WW' = Σ.
func (n *Normal) invRoot() []float64 { return n.root(n.dim) }

func (n *Normal) root(cols int) []float64 {
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
		full.ok = true
	}
	if cols == d {
		return full.c
	}
	w := full.c
	r := n.cov.slot(cols)
	if !r.ok {
		// W[:cols,:]' = QR, so Σ[:cols,:cols] = R'R: no squared condition number.
		n.cov.leading(r.c, w, cols, d)
		r.ok = true
	}
	return r.c
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
// about n·x.Cols² flops.
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
	const tile = predictorTile
	c := x.Cols
	root := n.root(c)
	for j0 := 0; j0 < c; j0 += tile {
		j1 := min(j0+tile, c)
		k0, k1 := j0, c // the rows where these columns of the root are not zero
		if c == n.dim {
			k0, k1 = 0, j1
		}
		b := blas64.General{Rows: k1 - k0, Cols: j1 - j0, Data: root[k0*c+j0:], Stride: c}
		for i0 := 0; i0 < x.Rows; i0 += tile {
			i1 := min(i0+tile, x.Rows)
			a := blas64.General{Rows: i1 - i0, Cols: k1 - k0, Data: x.Data[i0*x.Stride+k0:], Stride: x.Stride}
			y := blas64.General{Rows: i1 - i0, Cols: j1 - j0, Data: work, Stride: j1 - j0}
			blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, a, b, 0, y)
			for i := range y.Rows {
				row := y.Data[i*y.Stride : i*y.Stride+y.Cols]
				dst[i0+i] += dot(row, row)
			}
		}
	}
	return dst
}
