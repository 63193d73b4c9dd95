package expfam_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/mat"
)

// must returns what a constructor made and fails on its error.
func must[T expfam.Dist](t testing.TB) func(d T, err error) T {
	return func(d T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
}

// near complains unless got is within a relative tol of want.
func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol*math.Abs(want)) {
		t.Errorf("%s is %.17g, want %.17g (relative error %.2g)", what, got, want, math.Abs(got/want-1))
	}
}

// randSPD returns a random positive definite d×d matrix with scales that
// differ by orders of magnitude.
func randSPD(d int, rng *rand.Rand) *mat.SymDense {
	a := mat.NewDense(d, d+2, nil)
	for i := range d {
		scale := math.Pow(10, 2*rng.Float64()-1)
		for j := range d + 2 {
			a.Set(i, j, scale*rng.NormFloat64())
		}
	}
	s := mat.NewSymDense(d, nil)
	s.SymOuterK(1, a)
	return s
}

func randVec(d int, rng *rand.Rand) []float64 {
	v := make([]float64, d)
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	return v
}

func randNormal(t testing.TB, d int, rng *rand.Rand) *expfam.Normal {
	t.Helper()
	return must[*expfam.Normal](t)(expfam.NewNormal(randVec(d, rng), randSPD(d, rng)))
}

// nearVec fails unless got and want agree to tol relative to the largest entry.
func nearVec(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: length %d, want %d", what, len(got), len(want))
	}
	scale := 1.0
	for _, w := range want {
		scale = max(scale, math.Abs(w))
	}
	for i, g := range got {
		if !(math.Abs(g-want[i]) <= tol*scale) {
			t.Errorf("%s[%d] is %.17g, want %.17g", what, i, g, want[i])
		}
	}
}

func sub(a, b []float64) []float64 {
	c := make([]float64, len(a))
	for i := range a {
		c[i] = a[i] - b[i]
	}
	return c
}

func scaled(v []float64, c float64) []float64 {
	w := make([]float64, len(v))
	for i := range v {
		w[i] = c * v[i]
	}
	return w
}

func firstBad(v []float64) int {
	for i, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return i
		}
	}
	return -1
}

func eye(d int, v float64) *mat.SymDense {
	s := mat.NewSymDense(d, nil)
	for i := range d {
		s.SetSym(i, i, v)
	}
	return s
}

// mustPanic fails unless f panics with a message that contains want.
func mustPanic(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		msg, _ := recover().(string)
		if !strings.Contains(msg, want) {
			t.Errorf("panic is %q, want one with %q", msg, want)
		}
	}()
	f()
}
