package la

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/blas"
)

// atLevels runs f with every kind of kernel that the machine has.
func atLevels(t *testing.T, f func(t *testing.T)) {
	old := level
	defer func() { level = old }()
	for l := Portable; l <= machine(); l++ {
		level = l
		t.Run(l.String(), f)
	}
}

// gemmCase is one product of random shape: its matrices lie at odd places in
// slices whose other elements are guards.
type gemmCase[T float32 | float64] struct {
	ta, tb      bool
	m, n, k     int
	alpha, beta T
	a, b, c     []T
	lda         int
	ldb, ldc    int
}

func (g *gemmCase[T]) String() string {
	return fmt.Sprintf("ta %v tb %v m %d n %d k %d lda %d ldb %d ldc %d alpha %v beta %v", g.ta, g.tb, g.m, g.n, g.k, g.lda, g.ldb, g.ldc, g.alpha, g.beta)
}

func randomCase[T float32 | float64](rng *rand.Rand) *gemmCase[T] {
	size := func() int {
		switch rng.IntN(8) {
		case 0:
			return rng.IntN(3)
		case 1:
			return 1 + rng.IntN(80)
		default:
			return 1 + rng.IntN(27)
		}
	}
	scalars := []T{0, 1, 1, -1, 0.5}
	g := &gemmCase[T]{ta: rng.IntN(2) == 0, tb: rng.IntN(2) == 0, m: size(), n: size(), k: size(),
		alpha: scalars[rng.IntN(5)], beta: scalars[rng.IntN(5)]}
	if rng.IntN(20) == 0 {
		g.k += 240 + rng.IntN(300) // several blocks
	}
	matrix := func(rows, cols int) ([]T, int) {
		ld := max(1, cols) + rng.IntN(4)
		off := rng.IntN(3)
		x := make([]T, off+rows*ld+9)
		for i := range x {
			x[i] = T(rng.NormFloat64())
		}
		return x[off:], ld
	}
	if g.a, g.lda = matrix(g.m, g.k); g.ta {
		g.a, g.lda = matrix(g.k, g.m)
	}
	if g.b, g.ldb = matrix(g.k, g.n); g.tb {
		g.b, g.ldb = matrix(g.n, g.k)
	}
	g.c, g.ldc = matrix(g.m, g.n)
	return g
}

func (g *gemmCase[T]) at(i, p, j int) (a, b T) {
	a, b = g.a[min(i*g.lda+p, len(g.a)-1)], g.b[min(p*g.ldb+j, len(g.b)-1)]
	if g.ta {
		a = g.a[p*g.lda+i]
	}
	if g.tb {
		b = g.b[j*g.ldb+p]
	}
	return a, b
}

// check compares got with a plain product, and what is not C with what was there.
func (g *gemmCase[T]) check(t *testing.T, got []T, eps float64) {
	t.Helper()
	for at, v := range got {
		i, j := at/g.ldc, at%g.ldc
		want, size := float64(g.c[at]), 0.0
		if i < g.m && j < g.n {
			sum := 0.0
			for p := range g.k {
				a, b := g.at(i, p, j)
				sum += float64(a) * float64(b)
				size += math.Abs(float64(a) * float64(b))
			}
			old := float64(g.beta) * want
			want = float64(g.alpha)*sum + old
			size = (size*math.Abs(float64(g.alpha)) + math.Abs(old)) * eps * float64(g.k+2)
		}
		if !(math.Abs(float64(v)-want) <= size) {
			t.Fatalf("%v: element %d, %d is %v, want %v within %v", g, i, j, v, want, size)
		}
	}
}

func testGemm[T float32 | float64](t *testing.T, eps float64,
	f func(ta, tb bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int)) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		g := randomCase[T](rng)
		got := append([]T(nil), g.c...)
		if g.beta == 0 { // C is not read
			for i := range g.m {
				for j := range g.n {
					got[i*g.ldc+j] = T(math.NaN())
				}
			}
		}
		f(g.ta, g.tb, g.m, g.n, g.k, g.alpha, g.a, g.lda, g.b, g.ldb, g.beta, got, g.ldc)
		g.check(t, got, eps)
	}
}

func TestGemm(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		t.Run("float64", func(t *testing.T) { testGemm(t, 0x1p-53, Gemm) })
		t.Run("float32", func(t *testing.T) { testGemm(t, 0x1p-24, Gemm32) })
	})
}

// The vector widths give the same bits, for strides that are packed and for
// strides that are not.
func testGemmBits[T float32 | float64](t *testing.T,
	f func(ta, tb bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int)) {
	if machine() < AVX512 {
		t.Log("this machine has one vector width")
	}
	old := level
	defer func() { level = old }()
	rng := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		g := randomCase[T](rng)
		var want []T
		for l := AVX2; l <= machine(); l++ {
			level = l
			got := append([]T(nil), g.c...)
			f(g.ta, g.tb, g.m, g.n, g.k, g.alpha, g.a, g.lda, g.b, g.ldb, g.beta, got, g.ldc)
			if want == nil {
				want = got
			}
			for i := range got {
				if got[i] != want[i] {
					t.Fatalf("%v: element %d is %v, with %v %v", g, i, want[i], l, got[i])
				}
			}
			// B in contiguous rows and B transposed take different ways.
			bt := make([]T, g.n*g.k+1)
			for p := range g.k {
				for j := range g.n {
					_, b := g.at(0, p, j)
					if g.tb {
						bt[p*g.n+j] = b
					} else {
						bt[j*g.k+p] = b
					}
				}
			}
			ldb := g.k
			if g.tb {
				ldb = g.n
			}
			other := append([]T(nil), g.c...)
			f(g.ta, !g.tb, g.m, g.n, g.k, g.alpha, g.a, g.lda, bt, max(1, ldb), g.beta, other, g.ldc)
			for i := range other {
				if other[i] != want[i] {
					t.Fatalf("%v, %v: element %d is %v, with the other storage of B %v", g, l, i, want[i], other[i])
				}
			}
		}
	}
}

func TestGemmBits(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testGemmBits(t, Gemm) })
	t.Run("float32", func(t *testing.T) { testGemmBits(t, Gemm32) })
}

// Large strides: packing of parts of B for parts of A, and several blocks.
func TestGemmLarge(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		for _, tb := range []bool{false, true} {
			const m, n, k, ld = 401, 61, 300, 1024
			rng := rand.New(rand.NewPCG(5, 6))
			g := &gemmCase[float64]{tb: tb, m: m, n: n, k: k, alpha: 1, lda: k, ldb: ld, ldc: n,
				a: make([]float64, m*k), b: make([]float64, k*ld), c: make([]float64, m*n)}
			for _, x := range [][]float64{g.a, g.b} {
				for i := range x {
					x[i] = rng.NormFloat64()
				}
			}
			got := append([]float64(nil), g.c...)
			Gemm(false, tb, m, n, k, 1, g.a, k, g.b, ld, 0, got, n)
			g.check(t, got, 0x1p-53)
		}
	})
}

// A row of A or a column of B that is not finite spoils its row or column of C,
// and nothing else; elements beyond the matrices are not read.
func TestGemmNotFinite(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	atLevels(t, func(t *testing.T) {
		for _, n := range []int{1, 3, 4, 7, 11, 13, 17, 24, 25, 49} {
			for _, bad := range []float64{inf, nan} {
				ld := n + 3
				a, b, c := make([]float64, n*ld), make([]float64, n*ld), make([]float64, n*ld)
				for i := range a {
					a[i], b[i] = nan, nan // the gaps
				}
				for i := range n {
					for j := range n {
						a[i*ld+j], b[i*ld+j] = 1, 2
					}
				}
				r, s := n/2, n-1
				a[r*ld], b[s] = bad, bad
				Gemm(false, false, n, n, n, 1, a, ld, b, ld, 0, c, ld)
				for i := range n {
					for j := range n {
						v := c[i*ld+j]
						if good := i != r && j != s; good != (v == float64(2*n)) || !good && v != bad && !math.IsNaN(v) {
							t.Fatalf("n = %d, bad = %v: element %d, %d is %v", n, bad, i, j, v)
						}
					}
				}
			}
		}
	})
}

func testSyrk[T float32 | float64](t *testing.T, eps float64,
	f func(trans bool, n, k int, alpha T, a []T, lda int, beta T, c []T, ldc int)) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 500 {
		g := randomCase[T](rng)
		g.m, g.tb = g.n, !g.ta
		rows, cols := g.n, g.k
		if g.ta {
			rows, cols = cols, rows
		}
		g.lda, g.ldc = max(1, cols)+rng.IntN(3), max(1, g.n)+rng.IntN(3)
		g.a, g.c = make([]T, rows*g.lda), make([]T, g.n*g.ldc)
		for _, x := range [][]T{g.a, g.c} {
			for i := range x {
				x[i] = T(rng.NormFloat64())
			}
		}
		g.b, g.ldb = g.a, g.lda
		got := append([]T(nil), g.c...)
		lower := func(i, j int) bool { return j < i && j < g.n }
		for at := range got {
			if i, j := at/g.ldc, at%g.ldc; lower(i, j) || g.beta == 0 && j < g.n {
				got[at] = T(math.NaN())
			}
		}
		f(g.ta, g.n, g.k, g.alpha, g.a, g.lda, g.beta, got, g.ldc)
		for at := range got {
			if i, j := at/g.ldc, at%g.ldc; lower(i, j) {
				if got[at] == got[at] {
					t.Fatalf("%v: the lower triangle was written at %d, %d", g, i, j)
				}
				got[at] = T(math.NaN())
			}
		}
		// The mirrored product has the values of the lower triangle.
		for i := range g.n {
			for j := range i {
				got[i*g.ldc+j], g.c[i*g.ldc+j] = got[j*g.ldc+i], g.c[j*g.ldc+i]
			}
		}
		g.check(t, got, eps)
	}
}

func TestSyrk(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		t.Run("float64", func(t *testing.T) { testSyrk(t, 0x1p-53, Syrk) })
		t.Run("float32", func(t *testing.T) { testSyrk(t, 0x1p-24, Syrk32) })
	})
}

func TestGemmAllocs(t *testing.T) {
	a, c := make([]float64, 600*600), make([]float64, 600*600)
	s, d := make([]float32, 600*600), make([]float32, 600*600)
	for _, n := range []int{5, 30, 300} {
		for _, tb := range []bool{false, true} {
			if allocs := testing.AllocsPerRun(3, func() {
				Gemm(false, tb, n, n, n, 1, a, 600, a, 600, 0, c, 600)
				Gemm32(true, tb, n, n, n, 1, s, 600, s, 600, 1, d, 600)
				Syrk(tb, n, n, 1, a, 600, 0, c, 600)
				Syrk32(tb, n, n, 1, s, 600, 0, d, 600)
			}); level != Portable && allocs != 0 {
				t.Errorf("n = %d: %v allocations, want none", n, allocs)
			}
		}
	}
}

func TestGemmPanics(t *testing.T) {
	f := make([]float64, 6)
	x, y := randomGeneral(2, 3, 3, 1), randomGeneral(3, 2, 2, 1)
	for i, c := range []func(){
		func() { Gemm(false, false, -1, 2, 3, 1, f, 3, f, 2, 0, f, 2) },
		func() { Gemm(false, false, 2, 2, 3, 1, f, 2, f, 2, 0, f, 2) },
		func() { Gemm(false, false, 2, 2, 3, 1, f[:5], 3, f, 2, 0, f, 2) },
		func() { Gemm(true, false, 2, 2, 3, 1, f, 3, f, 2, 0, f, 2) },
		func() { Gemm(false, true, 2, 2, 3, 1, f, 3, f, 2, 0, f, 2) },
		func() { Gemm(false, false, 2, 2, 3, 1, f, 3, f, 2, 0, f[:3], 2) },
		func() { GemmGeneral(blas.NoTrans, blas.Trans, 1, x, y, 0, x) },
		func() { Syrk(true, 3, 2, 1, f, 3, 0, f, 3) },
		func() { Syrk(true, 3, -2, 1, f, 3, 0, make([]float64, 9), 3) },
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
