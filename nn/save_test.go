package nn

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/internal/wire"
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
	deeper, _ := New(Softmax{}, Vector(4), Dense{5, Tanh}, Dense{3, Identity}, Dense{3, Identity})
	flat, _ := New(Softmax{}, Vector(4), Dense{5, Tanh})
	for _, c := range []struct {
		n     *Net
		block int
		want  string
	}{
		{other, 0, "block 0 of the saved weights is W1, 5×4, the net has W1, 6×4"},
		{deeper, 4, "is none, the net has W3, 3×3"},
		{flat, 2, "is W2, 3×5, the net has none"},
	} {
		var e *WeightsError
		err := c.n.LoadWeights(bytes.NewReader(saved), make([]float64, c.n.NumParams()))
		if !errors.As(err, &e) || e.Block != c.block || !strings.Contains(err.Error(), c.want) {
			t.Errorf("other net: %v, want it to say %q", err, c.want)
		}
	}
	w[21] = 1e300 // too large for float32
	b.Reset()
	if err := n.SaveWeights(&b, w); err != nil {
		t.Fatal(err)
	}
	var e *Error
	if err := n32.LoadWeights(bytes.NewReader(b.Bytes()), got32); !errors.As(err, &e) || e.Param != "b1" || e.Index != 1 || got32[21] == float32(math.Inf(1)) {
		t.Errorf("weight 21 of 1e300 in single precision: %v", err)
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
	other := wire.NewWriter(weightsMagic, weightsVersion)
	other.Int(1 << 40)
	f.Add(other.Finish())
	f.Fuzz(func(t *testing.T, data []byte) {
		for i := range w {
			w[i] = 7
		}
		err := n.LoadWeights(bytes.NewReader(data), w)
		for _, v := range w {
			if err != nil && v != 7 || v-v != 0 {
				t.Fatalf("weights %v after %v", w, err)
			}
		}
	})
}
