package glm

import (
	"fmt"
	"math"
)

// Squares and products of a few cells stay inside the range of float64
// (1e±308), and so do their sums, as long as cells stay inside these bounds.
const (
	largestCell  = 1e75
	smallestCell = 1e-75
)

// inRange refuses a column with a cell too large for its moments. While a
// design is learnt it also refuses one whose cells are all so small that their
// squares vanish. The cells of the n kept rows are v[0], v[stride], ...
func (ev *evaluator) inRange(name string, n int, v []float64, stride int) error {
	largest, first := 0.0, -1
	for i := range n {
		x := v[i*stride]
		if math.Abs(x) > largestCell {
			return ev.cols.err(name, ev.rows[i], fmt.Sprint(x),
				fmt.Sprintf("a number of size up to %g, so that sums of products do not overflow: rescale the column", largestCell))
		}
		if x != 0 && first < 0 {
			first = i
		}
		largest = max(largest, math.Abs(x))
	}
	if ev.learn && first >= 0 && largest < smallestCell {
		return ev.cols.err(name, ev.rows[first], fmt.Sprint(v[first*stride]),
			fmt.Sprintf("numbers of size %g or more, so that their squares do not vanish: rescale the column", smallestCell))
	}
	return nil
}

// checkRange applies inRange to everything that enters the model as a number.
func (b *builder) checkRange(d *Design) error {
	n, p := d.X.Rows, d.X.Cols
	largest := make([]float64, p)
	for i := range n {
		for j, x := range d.X.Data[i*p : (i+1)*p] {
			largest[j] = max(largest[j], math.Abs(x))
		}
	}
	for j, m := range largest {
		if m >= smallestCell && m <= largestCell {
			continue
		}
		if err := b.ev.inRange(b.enc.Names[j], n, d.X.Data[j:], p); err != nil {
			return err
		}
	}
	offset := b.enc.Offset
	switch {
	case len(b.terms.offsets) == 1 && offset == "":
		offset = b.terms.offsets[0].String()
	case len(b.terms.offsets) > 0:
		offset = "offset"
	}
	for _, c := range []struct {
		name string
		v    []float64
	}{{b.enc.Outcome, d.Y}, {b.trialsName(), d.Trials}, {offset, d.Offset}, {b.enc.Weights, d.Weights}} {
		if err := b.ev.inRange(c.name, len(c.v), c.v, 1); err != nil {
			return err
		}
	}
	return nil
}
