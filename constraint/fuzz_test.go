package constraint_test

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"github.com/natgrad/natgrad/constraint"
)

// FuzzUnconstrain takes a kind of constraint and any numbers for y. Either they
// are refused by a *ViolationError that leaves dst alone, or they come back.
func FuzzUnconstrain(f *testing.F) {
	bytesOf := func(y ...float64) []byte {
		var b []byte
		for _, v := range y {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
		return b
	}
	for i := range all() {
		f.Add(i, bytesOf(0.5))
		f.Add(i, bytesOf(0.25, 0.25, 0.5))
		f.Add(i, bytesOf(1, 2, 3, 4, 5))
		f.Add(i, bytesOf(1, 0, 0, 1))
		f.Add(i, bytesOf(1, 0, 0, 0, 1, 0, 0, 0, 1))
		f.Add(i, bytesOf(math.NaN(), math.Inf(-1)))
		f.Add(i, bytesOf(5e-324, 1e-310, math.MaxFloat64))
		f.Add(i, bytesOf(5e-324, 0, math.MaxFloat64, 5e-324))
	}
	f.Fuzz(func(t *testing.T, kind int, b []byte) {
		list := all()
		c := list[int(uint(kind)%uint(len(list)))]
		y := make([]float64, c.Size())
		for i := range y {
			if len(b) >= 8 {
				y[i] = math.Float64frombits(binary.LittleEndian.Uint64(b))
				b = b[8:]
			}
		}
		x, back := make([]float64, c.FreeSize()), make([]float64, c.Size())
		for i := range x {
			x[i] = math.Pi
		}
		if err := c.Unconstrain(x, y); err != nil {
			var v *constraint.ViolationError
			if !errors.As(err, &v) || v.Index >= len(y) || v.Error() == "" {
				t.Fatalf("%v of %v: %v", c, y, err)
			}
			for _, w := range x {
				if w != math.Pi {
					t.Fatalf("%v of %v: dst is %v after %v", c, y, x, err)
				}
			}
			return
		}
		scale := 0.0
		for i, v := range x {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Fatalf("%v of %v: x[%d] is %v", c, y, i, v)
			}
		}
		c.Constrain(back, x)
		for _, v := range y {
			scale = max(scale, math.Abs(v))
		}
		if scale > 1e300 {
			return // the largest numbers overflow on the way back by the rounding of x
		}
		// Sums to 1 and symmetry are asked for to 1e-8 only, hence the second part.
		for i, v := range y {
			if d := math.Abs(back[i] - v); !(d <= 1e-12*max(scale, 1)+2e-8*scale) {
				t.Fatalf("%v: y[%d] = %v comes back as %v, x = %v", c, i, v, back[i], x)
			}
		}
	})
}
