package mixture

import (
	"encoding/json"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// decode reads an entry of a golden file.
func decode(t *testing.T, data []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

// nearTo compares a vector with its golden value, to tol of its largest entry.
func nearTo(t *testing.T, step int, what string, tol float64, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("step %d: %s has length %d, want %d", step, what, len(got), len(want))
	}
	size := 0.0
	for _, w := range want {
		size = math.Max(size, math.Abs(w))
	}
	for i, w := range want {
		if !(math.Abs(got[i]-w) <= tol*size) {
			t.Fatalf("step %d: %s[%d] is off by %.2g of %.4g, want a relative %.0e\n got %v\nwant %v", step, what, i, math.Abs(got[i]-w), size, tol, got, want)
		}
	}
}

// near is nearTo with the tolerance of most golden files.
func near(t *testing.T, step int, what string, got, want []float64) {
	t.Helper()
	nearTo(t, step, what, 1e-9, got, want)
}

// flatten returns the entries of a matrix, row by row.
func flatten(m [][]float64) (v []float64) {
	for _, r := range m {
		v = append(v, r...)
	}
	return v
}

// scaled returns s times the identity.
func scaled(d int, s float64) *mat.SymDense {
	m := mat.NewSymDense(d, nil)
	for i := range d {
		m.SetSym(i, i, s)
	}
	return m
}

func identity(d int) *mat.SymDense { return scaled(d, 1) }
