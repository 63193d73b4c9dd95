package la

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
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
