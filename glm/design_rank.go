package glm

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
)

const (
	// rankTol is the residual of a column, relative to its norm, below which
	// it counts as a combination of earlier columns. Exact relations between
	// columns of decimals leave about 1e-15, a cubic in a calendar year 1e-7.
	rankTol = 1e-10
	// gramSafe is a relative residual far above what rounding can do to a
	// Gram matrix (its square is 1e-8, the rounding error n·1e-16).
	gramSafe = 1e-4
)

// CheckRank returns a *RankError if a column of X is a linear combination of
// the columns before it, and nil if X has full column rank. With an intercept
// the columns are centred first, and all are scaled to unit norm, so neither
// units nor a large mean matter: a column counts as dependent if its residual
// after projection on the others is below 1e-10 of its norm, or below what
// rounding leaves of it after centring.
//
// The residuals come from a QR factorisation that keeps the order of the
// columns and sets dependent ones aside, as R's lm does; a Cholesky factor of
// the Gram matrix decides first where that is safely possible. Time O(n p²).
func (d *Design) CheckRank() error {
	n, p := d.X.Rows, d.X.Cols
	s := newStandardiser(d)
	if n > p && s.gramFull() {
		return nil
	}
	r := s.triangle()
	// Gram–Schmidt, twice for orthogonality to rounding (Giraud et al. 2005),
	// on the few rows of the triangle.
	var basis [][]float64
	var kept []int
	var coef [][]float64 // coef[i]: kept column i in terms of basis
	e := &RankError{N: n, P: p, TooFew: n < p}
	for j, col := range s.cols {
		v := make([]float64, r.Rows)
		for i := range v {
			v[i] = r.Data[i*r.Stride+j]
		}
		c := make([]float64, len(basis), len(basis)+1)
		for range 2 {
			for k, q := range basis {
				dot := 0.0
				for i := range q {
					dot += q[i] * v[i]
				}
				c[k] += dot
				for i := range q {
					v[i] -= dot * q[i]
				}
			}
		}
		norm := blas64.Nrm2(blas64.Vector{N: len(v), Inc: 1, Data: v})
		if norm > s.tol[j] {
			for i := range v {
				v[i] /= norm
			}
			basis, kept, coef = append(basis, v), append(kept, j), append(coef, append(c, norm))
			continue
		}
		e.Columns = append(e.Columns, d.Names[col])
		e.Relations = append(e.Relations, s.relation(j, kept, coef, c))
	}
	e.Rank = len(kept)
	if d.Intercept >= 0 {
		e.Rank++
	}
	if e.Rank == p {
		return nil
	}
	return e
}

// standardiser views the columns of X, less the intercept, centred if there
// is one, and scaled to unit norm.
type standardiser struct {
	d                *Design
	cols             []int // columns of X
	mean, scale, tol []float64
}

func newStandardiser(d *Design) *standardiser {
	n, p := d.X.Rows, d.X.Cols
	s := &standardiser{d: d}
	largest := make([]float64, p)
	mean := make([]float64, p)
	for i := 0; i < n; i++ {
		for j, x := range d.X.Data[i*d.X.Stride : i*d.X.Stride+p] {
			largest[j] = max(largest[j], math.Abs(x))
			mean[j] += x / float64(n)
		}
	}
	if d.Intercept < 0 {
		clear(mean)
	}
	// Columns are divided by their largest entry before squaring, against
	// overflow.
	ss := make([]float64, p)
	for i := 0; i < n; i++ {
		for j, x := range d.X.Data[i*d.X.Stride : i*d.X.Stride+p] {
			if largest[j] > 0 {
				z := (x - mean[j]) / largest[j]
				ss[j] += z * z
			}
		}
	}
	for j := 0; j < p; j++ {
		if j == d.Intercept {
			continue
		}
		norm := largest[j] * math.Sqrt(ss[j])
		if norm == 0 {
			norm = 1
		}
		const eps = 0x1p-52
		noise := 64 * eps * math.Abs(mean[j]) * math.Sqrt(float64(n)) / norm
		s.cols = append(s.cols, j)
		s.mean = append(s.mean, mean[j])
		s.scale = append(s.scale, norm)
		s.tol = append(s.tol, max(rankTol, noise))
	}
	return s
}

// row writes the standardised row i to dst.
func (s *standardiser) row(dst []float64, i int) {
	x := s.d.X.Data[i*s.d.X.Stride:]
	for k, j := range s.cols {
		dst[k] = (x[j] - s.mean[k]) / s.scale[k]
	}
}

// gramFull reports whether the Gram matrix alone proves full rank.
func (s *standardiser) gramFull() bool {
	const block = 256
	n, p := s.d.X.Rows, len(s.cols)
	if p == 0 {
		return true
	}
	for _, t := range s.tol {
		if t > rankTol {
			return false
		}
	}
	buf := make([]float64, block*p)
	gram := blas64.Symmetric{N: p, Stride: p, Uplo: blas.Upper, Data: make([]float64, p*p)}
	for i := 0; i < n; i += block {
		m := min(block, n-i)
		for k := 0; k < m; k++ {
			s.row(buf[k*p:(k+1)*p], i+k)
		}
		blas64.Syrk(blas.Trans, 1, blas64.General{Rows: m, Cols: p, Stride: p, Data: buf}, 1, gram)
	}
	t, ok := lapack64.Potrf(gram)
	for j := 0; ok && j < p; j++ {
		ok = t.Data[j*p+j] > gramSafe
	}
	return ok
}

// triangle returns a matrix with the same column geometry as the standardised
// X and at most p rows: the R factor if X has more rows than columns.
func (s *standardiser) triangle() blas64.General {
	n, p := s.d.X.Rows, len(s.cols)
	z := blas64.General{Rows: n, Cols: p, Stride: max(1, p), Data: make([]float64, n*max(1, p))}
	for i := 0; i < n; i++ {
		s.row(z.Data[i*z.Stride:], i)
	}
	if n <= p || p == 0 {
		return z
	}
	tau := make([]float64, p)
	work := make([]float64, 1)
	lapack64.Geqrf(z, tau, work, -1)
	work = make([]float64, int(work[0]))
	lapack64.Geqrf(z, tau, work, len(work))
	z.Rows = p
	for i := 1; i < p; i++ {
		clear(z.Data[i*p : i*p+i])
	}
	return z
}

// relation writes dependent column j in terms of the kept ones. coef is upper
// triangular: kept column i is Σ_k coef[i][k]·q_k, and column j is Σ c[k]·q_k.
func (s *standardiser) relation(j int, kept []int, coef [][]float64, c []float64) string {
	b := make([]float64, len(kept))
	copy(b, c)
	for i := len(kept) - 1; i >= 0; i-- {
		b[i] /= coef[i][i]
		for k := 0; k < i; k++ {
			b[k] -= b[i] * coef[i][k]
		}
	}
	d := s.d
	var text strings.Builder
	constant, size := s.mean[j], math.Abs(s.mean[j])
	written := 0
	write := func(v float64, name string) {
		sign := " + "
		switch {
		case v < 0 && written == 0:
			sign = "−"
		case v < 0:
			sign = " − "
		case written == 0:
			sign = ""
		}
		text.WriteString(sign)
		v = math.Abs(v)
		switch {
		case name == "":
			text.WriteString(strconv.FormatFloat(v, 'g', 6, 64))
		case v == 1:
			text.WriteString(name)
		default:
			text.WriteString(strconv.FormatFloat(v, 'g', 6, 64) + "·" + name)
		}
		written++
	}
	for i, k := range kept {
		if math.Abs(b[i]) < 1e-7 {
			continue
		}
		v := b[i] * s.scale[j] / s.scale[k]
		constant -= v * s.mean[k]
		size += math.Abs(v * s.mean[k])
		if r := math.Round(v); r != 0 && math.Abs(v-r) < 1e-6*math.Abs(r) {
			v = r
		}
		write(v, d.Names[s.cols[k]])
	}
	if d.Intercept >= 0 && math.Abs(constant) > 1e-7*size {
		if r := math.Round(constant); math.Abs(constant-r) < 1e-6*max(1, math.Abs(r)) {
			constant = r
		}
		if constant != 0 {
			write(constant, "")
		}
	}
	if written == 0 {
		text.WriteByte('0')
	}
	return fmt.Sprintf("%s = %s", d.Names[s.cols[j]], text.String())
}
