package la

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/blas/blas64"
)

func randomGeneral(r, c, stride int, seed uint64) blas64.General {
	rng := rand.New(rand.NewPCG(seed, 9))
	data := make([]float64, max((r-1)*stride+c, 0))
	for i := range data {
		data[i] = rng.NormFloat64()
	}
	return blas64.General{Rows: r, Cols: c, Stride: stride, Data: data}
}

// randomPD returns GᵀG + I.
func randomPD(n int, seed uint64) []float64 {
	g := randomGeneral(n, n, max(n, 1), seed).Data
	a := make([]float64, n*n)
	for i := range n {
		for j := range n {
			for k := range n {
				a[i*n+j] += g[k*n+i] * g[k*n+j]
			}
		}
		a[i*n+i]++
	}
	return a
}

// The factor reproduces the matrix and reads its upper triangle only.
func TestCholesky(t *testing.T) {
	for _, n := range []int{0, 1, 2, 5, 40, 130} {
		a := randomPD(n, uint64(n))
		u := append([]float64(nil), a...)
		for i := range n {
			for j := range i {
				u[i*n+j] = math.NaN()
			}
		}
		if !Cholesky(u, n) {
			t.Fatalf("n = %d: not positive definite", n)
		}
		for i := range n {
			for j := i; j < n; j++ {
				got := 0.0
				for k := range i + 1 {
					got += u[k*n+i] * u[k*n+j]
				}
				if want := a[i*n+j]; math.Abs(got-want) > 1e-11*(1+math.Abs(want)) {
					t.Fatalf("n = %d: U'U[%d,%d] = %v, want %v", n, i, j, got, want)
				}
			}
		}
	}
}

func TestCholeskyRefuses(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, a := range [][]float64{
		{1, 2, 2, 1}, {0, 0, 0, 1}, {nan, 0, 0, 1}, {1, nan, 0, 1}, {inf, 0, 0, 1}, {1, inf, 0, 1}, {1, 0, 0, inf}, {-1, 0, 0, 1},
	} {
		if Cholesky(append([]float64(nil), a...), 2) {
			t.Errorf("Cholesky accepted %v", a)
		}
	}
}

// Both paths of SyrkWeighted, strides, block borders and negative weights
// against three plain loops; dst accumulates and keeps its lower triangle.
func TestSyrkWeighted(t *testing.T) {
	for _, d := range []int{1, 2, 7, syrkDirect, syrkDirect + 1, 13, 51} {
		for _, n := range []int{0, 1, 3, 4, 255, 256, 257, 600} {
			x := randomGeneral(n, d, d+2, uint64(n+d))
			w := randomGeneral(1, n, max(n, 1), 5).Data
			start := randomGeneral(d, d, d, 6).Data
			got := append([]float64(nil), start...)
			SyrkWeighted(got, x, w, make([]float64, SyrkScratch(n, d)))
			for a := range d {
				for b := range d {
					want, size := start[a*d+b], math.Abs(start[a*d+b])
					if b >= a {
						for i := range n {
							v := w[i] * x.Data[i*x.Stride+a] * x.Data[i*x.Stride+b]
							want += v
							size += math.Abs(v)
						}
					}
					if g := got[a*d+b]; math.Abs(g-want) > 1e-14*size {
						t.Fatalf("n = %d, d = %d: [%d,%d] = %v, want %v", n, d, a, b, g, want)
					}
				}
			}
			if d <= syrkDirect && n <= syrkBlock && n > 0 {
				other := append([]float64(nil), start...)
				syrkColumns(other, x, w, make([]float64, n*(d+1)))
				for k := range got {
					if math.Abs(other[k]-got[k]) > 1e-11 {
						t.Fatalf("n = %d, d = %d: the two paths differ at %d: %v and %v", n, d, k, other[k], got[k])
					}
				}
			}
		}
	}
}

func TestVectors(t *testing.T) {
	for _, s := range [][2]int{{0, 3}, {5, 0}, {1, 1}, {37, 11}, {3, 16}, {9, 47}, {20, 64}} {
		n, d := s[0], s[1]
		x := randomGeneral(n, d, d+1, 4)
		g := randomGeneral(1, n, n+1, 6).Data
		grad := make([]float64, d)
		for a := range grad {
			grad[a] = 1
		}
		AddMulTransVec(grad, x, g)
		for a := range d {
			want := 1.0
			for i := range n {
				want += g[i] * x.Data[i*x.Stride+a]
			}
			if math.Abs(grad[a]-want) > 1e-13 {
				t.Errorf("AddMulTransVec %d×%d: [%d] = %v, want %v", n, d, a, grad[a], want)
			}
		}
	}
}

func TestDenseAllocs(t *testing.T) {
	const n = 40
	a, u, b := randomPD(n, 1), make([]float64, n*n), make([]float64, n)
	x := randomGeneral(300, n, n, 2)
	w := make([]float64, 300)
	scratch, dst := make([]float64, SyrkScratch(300, n)), make([]float64, n*n)
	if allocs := testing.AllocsPerRun(10, func() {
		copy(u, a)
		Cholesky(u, n)
		AddMulTransVec(b, x, w)
		SyrkWeighted(dst, x, w, scratch)
	}); allocs != 0 {
		t.Errorf("%v allocations, want none", allocs)
	}
}

func TestDensePanics(t *testing.T) {
	x := randomGeneral(3, 2, 2, 1)
	f := func(n int) []float64 { return make([]float64, n) }
	for i, c := range []func(){
		func() { Cholesky(f(3), 2) },
		func() { AddMulTransVec(f(3), x, f(3)) },
		func() { AddMulTransVec(f(2), x, f(2)) },
		func() { SyrkWeighted(f(4), x, f(2), nil) },
		func() { SyrkWeighted(f(40*40), randomGeneral(3, 40, 40, 1), f(3), nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("case %d did not panic", i)
				}
			}()
			c()
		}()
	}
}
