package nn

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestSaveWeights(t *testing.T) {
	n, _ := New(Softmax{}, Vector(4), Dense{5, Tanh}, Dense{3, Identity})
	n32, _ := New32(Softmax{}, Vector(4), Dense{5, Tanh}, Dense{3, Identity})
	w := make([]float64, n.NumParams())
	n.Init(w, rand.New(rand.NewPCG(1, 1)))
	var b bytes.Buffer
	if err := n.SaveWeights(&b, w); err != nil {
		t.Fatal(err)
	}
	saved := b.Bytes()
	got, got32 := make([]float64, len(w)), make([]float32, len(w))
	if err := n.LoadWeights(bytes.NewReader(saved), got); err != nil {
		t.Fatal(err)
	}
	if err := n32.LoadWeights(bytes.NewReader(saved), got32); err != nil {
		t.Fatal(err)
	}
	for i, v := range w {
		if got[i] != v || got32[i] != float32(v) {
			t.Fatalf("weight %d: %v and %v, want %v", i, got[i], got32[i], v)
		}
	}
	for k := range saved {
		if n.LoadWeights(bytes.NewReader(saved[:k]), got) == nil {
			t.Fatalf("%d of %d bytes: no error", k, len(saved))
		}
		c := bytes.Clone(saved)
		c[k] ^= 0x10
		if n.LoadWeights(bytes.NewReader(c), got) == nil {
			t.Fatalf("byte %d changed: no error", k)
		}
	}
	for i, v := range w {
		if got[i] != v {
			t.Fatalf("weight %d changed by a refused load", i)
		}
	}
	other, _ := New(Softmax{}, Vector(4), Dense{6, Tanh}, Dense{3, Identity})
	err := other.LoadWeights(bytes.NewReader(saved), make([]float64, other.NumParams()))
	if err == nil || !strings.Contains(err.Error(), `"W1", 5×4`) {
		t.Errorf("other net: %v", err)
	}
	deeper, _ := New(Softmax{}, Vector(4), Dense{5, Tanh}, Dense{3, Identity}, Dense{3, Identity})
	if err := deeper.LoadWeights(bytes.NewReader(saved), make([]float64, deeper.NumParams())); err == nil {
		t.Error("deeper net: no error")
	}
	if err := n.SaveWeights(brokenWriter{}, w); !errors.Is(err, errBroken) {
		t.Errorf("broken writer: %v", err)
	}
}

var errBroken = errors.New("broken")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func FuzzLoadWeights(f *testing.F) {
	n, _ := New(Gaussian{Learned: true}, Vector(2), Dense{2, Tanh}, Dense{1, Identity})
	w := make([]float64, n.NumParams())
	var b bytes.Buffer
	if err := n.SaveWeights(&b, w); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("ngweight"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = n.LoadWeights(bytes.NewReader(data), w) // no panic
	})
}
