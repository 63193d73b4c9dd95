package nn

import (
	"fmt"
	"io"

	"github.com/natgrad/natgrad/internal/wire"
)

const (
	weightsMagic   = "ngweight"
	weightsVersion = 1
)

// SaveWeights writes w with the names and shapes of the net's blocks and a
// checksum. It panics if w is not as long as the weight vector.
func (n *Net) SaveWeights(dst io.Writer, w []float64) error { return n.n.save(dst, w) }

// SaveWeights is [Net.SaveWeights].
func (n *Net32) SaveWeights(dst io.Writer, w []float32) error { return n.n.save(dst, w) }

// LoadWeights reads what SaveWeights wrote, of either precision, into w. It errs
// with w unchanged if the bytes are damaged, or the weights are those of a net with
// other blocks, which it names.
func (n *Net) LoadWeights(src io.Reader, w []float64) error { return n.n.load(src, w) }

// LoadWeights is [Net.LoadWeights].
func (n *Net32) LoadWeights(src io.Reader, w []float32) error { return n.n.load(src, w) }

func (n *net[T]) save(dst io.Writer, w []T) error {
	n.checkLen("SaveWeights", "w", len(w), n.total)
	b := wire.NewWriter(weightsMagic, weightsVersion)
	b.Int(len(n.params))
	for _, p := range n.params {
		b.Bytes([]byte(p.Name))
		b.Int(p.Rows)
		b.Int(p.Cols)
	}
	wide := make([]float64, len(w))
	for i, v := range w {
		wide[i] = float64(v)
	}
	b.Floats(wide)
	if _, err := dst.Write(b.Finish()); err != nil {
		return fmt.Errorf("nn: SaveWeights: %w", err)
	}
	return nil
}

func (n *net[T]) load(src io.Reader, w []T) error {
	n.checkLen("LoadWeights", "w", len(w), n.total)
	fail := func(err error) error { return fmt.Errorf("nn: LoadWeights: %w", err) }
	b, err := io.ReadAll(src)
	if err != nil {
		return fail(err)
	}
	r, err := wire.NewReader(b, weightsMagic, weightsVersion)
	if err != nil {
		return fail(err)
	}
	blocks := r.Int()
	for i := 0; i < blocks; i++ {
		name, rows, cols := string(r.Bytes()), r.Int(), r.Int()
		if i >= len(n.params) {
			break
		}
		if p := n.params[i]; name != p.Name || rows != p.Rows || cols != p.Cols {
			return fail(fmt.Errorf("block %d is %q, %d×%d, the net's is %q, %d×%d", i, name, rows, cols, p.Name, p.Rows, p.Cols))
		}
	}
	if blocks != len(n.params) {
		return fail(fmt.Errorf("the file has %d blocks, the net %d", blocks, len(n.params)))
	}
	wide := r.Floats()
	if err := r.Done(); err != nil {
		return fail(err)
	}
	if len(wide) != n.total {
		return fail(fmt.Errorf("the file has %d weights, the net %d", len(wide), n.total))
	}
	for i, v := range wide {
		w[i] = T(v)
	}
	return nil
}
