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

// WeightsError says which block of saved weights is not the net's: by name, rows
// and columns, all zero where one side has no such block.
type WeightsError struct {
	Block       int
	Saved, Want Param
}

func (e *WeightsError) Error() string {
	return fmt.Sprintf("nn: LoadWeights: block %d of the saved weights is %s, the net has %s", e.Block, e.Saved.label(), e.Want.label())
}

func (p Param) label() string {
	if p.Name == "" {
		return "none"
	}
	return fmt.Sprintf("%s, %d×%d", p.Name, p.Rows, p.Cols)
}

// LoadWeights reads what SaveWeights wrote, of either precision, into w: all that
// src holds. It errs, with w unchanged, if the bytes are damaged, if they are the
// weights of a net with other blocks (*WeightsError), or if a weight is not finite
// (*Error). Activations, windows and the loss are not in the file.
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
	blocks := r.Len(24) // name, rows and columns
	for i := range max(blocks, len(n.params)) {
		var e WeightsError
		if i < blocks {
			e.Saved = Param{Name: string(r.Bytes()), Rows: r.Int(), Cols: r.Int()}
		}
		if i < len(n.params) {
			p := n.params[i]
			e.Want = Param{Name: p.Name, Rows: p.Rows, Cols: p.Cols}
		}
		if e.Saved != e.Want {
			e.Block = i
			return &e
		}
	}
	wide := r.Floats()
	if err := r.Done(); err != nil {
		return fail(err)
	}
	if len(wide) != n.total {
		return fail(fmt.Errorf("%d weights in blocks of %d", len(wide), n.total))
	}
	for _, p := range n.params {
		for j, v := range wide[p.Offset : p.Offset+p.Len()] {
			if bad(T(v)) {
				return &Error{Func: "LoadWeights", Param: p.Name, Index: j, Value: v, Want: "a finite number in the precision of the net"}
			}
		}
	}
	for i, v := range wide {
		w[i] = T(v)
	}
	return nil
}
