package kernels_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/blas/gonum"
	"gonum.org/v1/gonum/mat"

	"github.com/natgrad/natgrad/kernels"
)

func normals(n int, seed uint64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 1))
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return x
}

// definite is XXᵀ + n·I.
func definite(n int) *mat.SymDense {
	x := mat.NewDense(n, n, normals(n*n, 2))
	s := mat.NewSymDense(n, nil)
	s.SymOuterK(1, x)
	for i := range n {
		s.SetSym(i, i, s.At(i, i)+float64(n))
	}
	return s
}

// gonum's factorisation, solution and inverse run over the kernels.
func TestUse(t *testing.T) {
	blas64.Use(kernels.Blas64())
	defer blas64.Use(gonum.Implementation{})
	const n = 200
	s := definite(n)
	var chol mat.Cholesky
	if !chol.Factorize(s) {
		t.Fatal("not positive definite")
	}
	var inv mat.SymDense
	if err := chol.InverseTo(&inv); err != nil {
		t.Fatal(err)
	}
	var one mat.Dense
	one.Mul(s, &inv)
	for i := range n {
		for j := range n {
			want := 0.0
			if i == j {
				want = 1
			}
			if got := one.At(i, j); math.Abs(got-want) > 1e-11 {
				t.Fatalf("element %d, %d of S·S⁻¹ is %v", i, j, got)
			}
		}
	}
}

// Both implementations against gonum's, for all flags; sizes below and above the
// one from which rows are shared.
func TestAgainstGonum(t *testing.T) {
	old := runtime.GOMAXPROCS(3)
	defer runtime.GOMAXPROCS(old)
	var ref gonum.Implementation
	for _, n := range []int{1, 9, 40, 230} {
		a, b, c := normals(n*n, 3), normals(n*n, 4), normals(n*n, 5)
		a32, b32, c32 := to32(a), to32(b), to32(c)
		compare := func(name string, got, want []float64, got32, want32 []float32) {
			t.Helper()
			for i := range got {
				if math.Abs(got[i]-want[i]) > 1e-12*float64(n) {
					t.Fatalf("%s, n = %d: element %d is %v, want %v", name, n, i, got[i], want[i])
				}
				if math.Abs(float64(got32[i]-want32[i])) > 1e-5*float64(n) {
					t.Fatalf("%s, n = %d: single precision element %d is %v, want %v", name, n, i, got32[i], want32[i])
				}
			}
		}
		for _, tA := range []blas.Transpose{blas.NoTrans, blas.Trans, blas.ConjTrans} {
			for _, tB := range []blas.Transpose{blas.NoTrans, blas.Trans} {
				got, want := clone(c), clone(c)
				got32, want32 := clone(c32), clone(c32)
				kernels.Blas64().Dgemm(tA, tB, n, n, n, 0.5, a, n, b, n, -1, got, n)
				ref.Dgemm(tA, tB, n, n, n, 0.5, a, n, b, n, -1, want, n)
				kernels.Blas32().Sgemm(tA, tB, n, n, n, 0.5, a32, n, b32, n, -1, got32, n)
				ref.Sgemm(tA, tB, n, n, n, 0.5, a32, n, b32, n, -1, want32, n)
				compare(fmt.Sprintf("gemm %c%c", tA, tB), got, want, got32, want32)
			}
			for _, ul := range []blas.Uplo{blas.Upper, blas.Lower} {
				got, want := clone(c), clone(c)
				got32, want32 := clone(c32), clone(c32)
				kernels.Blas64().Dsyrk(ul, tA, n, n, 0.5, a, n, -1, got, n)
				ref.Dsyrk(ul, tA, n, n, 0.5, a, n, -1, want, n)
				kernels.Blas32().Ssyrk(ul, tA, n, n, 0.5, a32, n, -1, got32, n)
				ref.Ssyrk(ul, tA, n, n, 0.5, a32, n, -1, want32, n)
				compare(fmt.Sprintf("syrk %c%c", ul, tA), got, want, got32, want32)
			}
		}
	}
}

// The bits do not depend on the number of goroutines.
func TestWorkers(t *testing.T) {
	const n = 300
	a, b := normals(n*n, 6), normals(n*n, 7)
	var want []float64
	for _, procs := range []int{1, 2, 5} {
		old := runtime.GOMAXPROCS(procs)
		c := make([]float64, n*n)
		kernels.Blas64().Dgemm(blas.Trans, blas.NoTrans, n, n, n, 1, a, n, b, n, 0, c, n)
		runtime.GOMAXPROCS(old)
		if want == nil {
			want = c
		}
		for i := range c {
			if kernels.Name() != "portable" && c[i] != want[i] {
				t.Fatalf("%d goroutines: element %d is %v, with one %v", procs, i, c[i], want[i])
			}
		}
	}
}

// A flag that is none panics as gonum does.
func TestBadFlag(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	kernels.Blas64().Dgemm('X', blas.NoTrans, 1, 1, 1, 1, []float64{1}, 1, []float64{1}, 1, 0, []float64{1}, 1)
}

func TestBlas32(t *testing.T) {
	blas32.Use(kernels.Blas32())
	defer blas32.Use(gonum.Implementation{})
	a := blas32.General{Rows: 1, Cols: 2, Stride: 2, Data: []float32{1, 2}}
	c := blas32.General{Rows: 2, Cols: 2, Stride: 2, Data: make([]float32, 4)}
	blas32.Gemm(blas.Trans, blas.NoTrans, 1, a, a, 0, c)
	if fmt.Sprint(c.Data) != "[1 2 2 4]" {
		t.Error(c.Data)
	}
}

func clone[T any](x []T) []T { return append([]T(nil), x...) }

func to32(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

// BenchmarkCholesky times gonum's factorisation over its own products and over
// the kernels.
func BenchmarkCholesky(b *testing.B) {
	defer blas64.Use(gonum.Implementation{})
	for _, n := range []int{100, 200, 500, 1000} {
		s := definite(n)
		for _, impl := range []struct {
			name string
			blas blas.Float64
		}{{"gonum", gonum.Implementation{}}, {kernels.Name(), kernels.Blas64()}} {
			b.Run(fmt.Sprintf("n=%d/%s", n, impl.name), func(b *testing.B) {
				blas64.Use(impl.blas)
				var chol mat.Cholesky
				for b.Loop() {
					chol.Factorize(s)
				}
			})
		}
	}
}
