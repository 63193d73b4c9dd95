package structured

import (
	"fmt"
	"math"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// Var writes the marginal variances, the diagonal of Σ = B⁻ᵀB⁻¹, to dst. It takes
// 2k+1 solves for roots with k = k1+k2 dense coordinates ([Diagonal], [Up], [Low] and the
// Heisenberg forms), O(k²p), products of the parts' variances for [Kronecker], and p
// solves for the others, O(p³).
func (g *Gaussian) Var(dst []float64) []float64 {
	return variances(sized("Gaussian.Var", dst, len(g.mu)), g.f)
}

// Sd writes the marginal standard deviations to dst, at the cost of Var.
func (g *Gaussian) Sd(dst []float64) []float64 {
	dst = g.Var(dst)
	for i, v := range dst {
		dst[i] = math.Sqrt(v)
	}
	return dst
}

// variances writes the squared norms of the columns of B⁻¹ to dst.
func variances(dst []float64, f Factor) []float64 {
	switch f := f.(type) {
	case *kronecker:
		c, k := variances(make([]float64, f.d), f.c), variances(make([]float64, f.q), f.k)
		for i, v := range c {
			for j, w := range k {
				dst[i*f.q+j] = v * w
			}
		}
		return dst
	case *heisenberg:
		return f.variances(dst)
	}
	e := make([]float64, len(dst))
	for j := range dst {
		dst[j] = columnNorm(e, f, j)
	}
	return dst
}

// columnNorm returns |B⁻¹e_j|², with scratch e.
func columnNorm(e []float64, f Factor, j int) float64 {
	clear(e)
	e[j] = 1
	f.Solve(e, e)
	return dot(e, e)
}

// variances sums the squares of B⁻¹ by its few rows that are not zero almost
// everywhere: column j of the middle has entries in the rows of the head and
// 1/d_j; columns of the tail are solved for.
func (f *heisenberg) variances(dst []float64) []float64 {
	e := make([]float64, f.p)
	h, m, t := f.parts(dst)
	for j, d := range f.cur.D {
		m[j] = 1 / d / d
	}
	clear(h)
	for i := range h {
		clear(e)
		e[f.head+i] = 1
		f.SolveTrans(e, e)
		eh, em, _ := f.parts(e)
		for j, v := range eh {
			h[j] += v * v
		}
		for j, v := range em {
			m[j] += v * v
		}
	}
	for i := range t {
		t[i] = columnNorm(e, f, f.end+i)
	}
	return dst
}

// CovColumn writes column j of Σ to dst. Cost: two solves.
func (g *Gaussian) CovColumn(dst []float64, j int) []float64 {
	dst = sized("Gaussian.CovColumn", dst, len(g.mu))
	g.checkIndex("Gaussian.CovColumn", j)
	clear(dst)
	dst[j] = 1
	g.f.Solve(dst, dst)
	return g.f.SolveTrans(dst, dst)
}

func (g *Gaussian) checkIndex(fn string, j int) {
	if j < 0 || j >= len(g.mu) {
		panic(fmt.Sprintf("structured: %s: index is %d, want 0 <= index < %d", fn, j, len(g.mu)))
	}
}

// PredictorVar writes the variances |B⁻¹x_i|² of the linear predictors x_i'θ to
// dst, one a row of x, which meets the first x.Cols <= p coordinates of θ. Cost: one
// solve a row. work is there to have one signature with expfam.Normal.
func (g *Gaussian) PredictorVar(dst []float64, x blas64.General, work []float64) []float64 {
	dst = sized("Gaussian.PredictorVar", dst, x.Rows)
	p := len(g.mu)
	if x.Cols > p {
		panic(fmt.Sprintf("structured: Gaussian.PredictorVar: x.Cols is %d, want at most %d", x.Cols, p))
	}
	e := g.scratch.get(p)
	for i := range dst {
		clear(e[copy(e, x.Data[i*x.Stride:i*x.Stride+x.Cols]):])
		g.f.Solve(e, e)
		dst[i] = dot(e, e)
	}
	g.scratch.put(e)
	return dst
}

// Cov writes the covariance of the coordinates idx, in their order, to dst, a new
// matrix if dst is nil; nil means all p coordinates, which is for small p. Cost for n
// coordinates: n solves, O(n²p) and n·p numbers of memory.
func (g *Gaussian) Cov(dst *mat.SymDense, idx []int) *mat.SymDense {
	return g.gram("Gaussian.Cov", dst, idx, g.f.Solve)
}

// Precision writes the block S[idx, idx] of the precision to dst, a new matrix if
// dst is nil; nil means all of it. Its inverse is the covariance of those coordinates
// given all others. Cost for n coordinates: n products, O(n²p) and n·p numbers of memory.
func (g *Gaussian) Precision(dst *mat.SymDense, idx []int) *mat.SymDense {
	return g.gram("Gaussian.Precision", dst, idx, g.f.MulTrans)
}

// gram writes the inner products of the images of unit vectors to dst.
func (g *Gaussian) gram(fn string, dst *mat.SymDense, idx []int, image func(dst, x []float64) []float64) *mat.SymDense {
	p := len(g.mu)
	if idx == nil {
		idx = make([]int, p)
		for i := range idx {
			idx[i] = i
		}
	}
	n := len(idx)
	if dst == nil {
		dst = mat.NewSymDense(n, nil)
	} else if m := dst.SymmetricDim(); m != n {
		panic(fmt.Sprintf("structured: %s: dst is %d×%d, want %d×%d", fn, m, m, n, n))
	}
	v := make([]float64, n*p)
	for i, j := range idx {
		g.checkIndex(fn, j)
		vi := v[i*p : (i+1)*p]
		vi[j] = 1
		image(vi, vi)
		for k := range i + 1 {
			dst.SetSym(k, i, dot(v[k*p:(k+1)*p], vi))
		}
	}
	return dst
}

// Marginal returns the distribution of the coordinates idx, in their order. Cost
// as Cov. It errs if idx is empty, or if their covariance is singular in floating
// point, as it is when a coordinate is listed twice.
func (g *Gaussian) Marginal(idx []int) (*expfam.Normal, error) {
	if len(idx) == 0 {
		return nil, domainError(gaussianName, "Marginal", "length of idx", -1, 0, ">= 1")
	}
	return expfam.NewNormal(g.pick(idx), g.Cov(nil, idx))
}

func (g *Gaussian) pick(idx []int) []float64 {
	m := make([]float64, len(idx))
	for i, j := range idx {
		m[i] = g.mu[j]
	}
	return m
}

// Conditional returns the distribution of the coordinates idx, in their order,
// given that the coordinates given have the values v, the rest integrated out:
//
//	N(μ_a + Σ_abΣ_bb⁻¹(v − μ_b), Σ_aa − Σ_abΣ_bb⁻¹Σ_ba)
//
// for a = idx and b = given; with no rest it is N(μ_a − S_aa⁻¹S_ab(v − μ_b), S_aa⁻¹).
// Cost for n and m coordinates: n+m solves, O((n+m)²p + m³) and (n+m)·p numbers of
// memory; with no rest n+1 products, O(n²p + n³) and n·p numbers. It errs if idx is empty,
// v is not finite, a coordinate is listed twice, or the result is
// singular in floating point, and panics if given and v differ in length.
func (g *Gaussian) Conditional(idx, given []int, v []float64) (*expfam.Normal, error) {
	const fn = "Conditional"
	checkLen("Gaussian.Conditional", "v", v, len(given))
	n, m := len(idx), len(given)
	if n == 0 {
		return nil, domainError(gaussianName, fn, "length of idx", -1, 0, ">= 1")
	}
	both := append(append(make([]int, 0, n+m), idx...), given...)
	seen := make(map[int]bool, n+m)
	for i, j := range both {
		g.checkIndex("Gaussian.Conditional", j)
		if seen[j] {
			return nil, domainError(gaussianName, fn, "coordinate", i, float64(j), "listed once in idx and given")
		}
		seen[j] = true
	}
	if err := nonFinite(gaussianName, fn, "v", v); err != nil {
		return nil, err
	}
	mu := g.pick(idx)
	if n+m == len(g.mu) {
		return g.conditionalOnRest(mu, idx, given, v)
	}
	cov := g.Cov(nil, both)
	if m == 0 {
		return expfam.NewNormal(mu, cov)
	}
	bb := cov.SliceSym(n, n+m).(*mat.SymDense)
	aa := mat.NewSymDense(n, nil)
	aa.CopySym(cov.SliceSym(0, n))
	var chol mat.Cholesky
	if !chol.Factorize(bb) {
		return nil, domainError(gaussianName, fn, "covariance of given", -1, 0, "a positive definite matrix (in floating point)")
	}
	ba := mat.NewDense(m, n, nil)
	r := mat.NewVecDense(m, nil)
	for i, j := range given {
		r.SetVec(i, v[i]-g.mu[j])
		for k := range n {
			ba.Set(i, k, cov.At(n+i, k))
		}
	}
	// With Σ_bb = LL' and W = L⁻¹Σ_ba the covariance is Σ_aa − W'W.
	l := new(mat.TriDense)
	chol.LTo(l)
	var w mat.Dense
	var z mat.VecDense
	_ = w.Solve(l, ba) // a Condition error: Factorize has judged
	_ = z.SolveVec(l, r)
	for i := range n {
		for j := i; j < n; j++ {
			s := aa.At(i, j)
			for k := range m {
				s -= w.At(k, i) * w.At(k, j)
			}
			aa.SetSym(i, j, s)
		}
		for k := range m {
			mu[i] += w.At(k, i) * z.AtVec(k)
		}
	}
	return expfam.NewNormal(mu, aa)
}

// conditionalOnRest conditions on all coordinates but idx.
func (g *Gaussian) conditionalOnRest(mu []float64, idx, given []int, v []float64) (*expfam.Normal, error) {
	r := make([]float64, len(g.mu))
	for i, j := range given {
		r[j] = v[i] - g.mu[j]
	}
	g.f.MulTrans(r, r)
	g.f.Mul(r, r)
	s := g.Precision(nil, idx)
	var chol mat.Cholesky
	if !chol.Factorize(s) {
		return nil, domainError(gaussianName, "Conditional", "precision of idx", -1, 0, "a positive definite matrix (in floating point)")
	}
	shift := mat.NewVecDense(len(idx), nil)
	for i, j := range idx {
		shift.SetVec(i, r[j])
	}
	if err := chol.SolveVecTo(shift, shift); err != nil {
		if _, ok := err.(mat.Condition); !ok {
			return nil, err
		}
	}
	for i := range mu {
		mu[i] -= shift.AtVec(i)
	}
	return expfam.NewNormalPrecision(mu, s)
}
