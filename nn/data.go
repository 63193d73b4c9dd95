package nn

import (
	"fmt"
	"math"
)

// Data is a set of examples: X is Rows×In and Y is Rows×Targets, row-major.
type Data struct {
	X, Y []float64
	Rows int
	// Inputs and Targets are the names of the columns, nil if they have none.
	Inputs, Targets []string
}

// NewData wraps x and y, which it keeps, as rows examples. It errs if the lengths
// are not multiples of rows or a number is not finite.
func NewData(x, y []float64, rows int) (*Data, error) {
	if rows < 1 {
		return nil, &Error{Func: "NewData", Param: "rows", Index: -1, Value: float64(rows), Want: "at least 1"}
	}
	for _, v := range []struct {
		name string
		s    []float64
	}{{"x", x}, {"y", y}} {
		if len(v.s) == 0 || len(v.s)%rows != 0 {
			return nil, &Error{Func: "NewData", Param: "length of " + v.name, Index: -1, Value: float64(len(v.s)), Want: fmt.Sprintf("a positive multiple of the %d rows", rows)}
		}
		cols := len(v.s) / rows
		for i, f := range v.s {
			if bad(f) {
				return nil, &Error{Func: "NewData", Param: fmt.Sprintf("%s, row %d, column", v.name, i/cols), Index: i % cols, Value: f, Want: "a finite number"}
			}
		}
	}
	return &Data{X: x, Y: y, Rows: rows}, nil
}

// In is the number of columns of X.
func (d *Data) In() int { return len(d.X) / d.Rows }

// NumTargets is the number of columns of Y.
func (d *Data) NumTargets() int { return len(d.Y) / d.Rows }

// Subset copies the rows with the given numbers. It panics on a number that is
// not a row.
func (d *Data) Subset(rows []int) *Data {
	s := &Data{Rows: len(rows), Inputs: d.Inputs, Targets: d.Targets}
	in, out := d.In(), d.NumTargets()
	for _, r := range rows {
		s.X = append(s.X, d.X[r*in:(r+1)*in]...)
		s.Y = append(s.Y, d.Y[r*out:(r+1)*out]...)
	}
	return s
}

// Float32 is the same data in single precision.
func (d *Data) Float32() *Data32 {
	c := &Data32{X: make([]float32, len(d.X)), Y: make([]float32, len(d.Y)), Rows: d.Rows, Inputs: d.Inputs, Targets: d.Targets}
	for i, v := range d.X {
		c.X[i] = float32(v)
	}
	for i, v := range d.Y {
		c.Y[i] = float32(v)
	}
	return c
}

// Data32 is [Data] in single precision.
type Data32 struct {
	X, Y            []float32
	Rows            int
	Inputs, Targets []string
}

// Scaler holds the mean and standard deviation of columns.
type Scaler struct{ Mean, SD []float64 }

// NewScaler takes the mean and the unbiased standard deviation of every column of
// x, rows×cols. A column whose deviation is below 1e−6 of its mean is constant:
// its SD is 1.
func NewScaler(x []float64, cols int) *Scaler {
	if cols < 1 || len(x)%cols != 0 || len(x) == 0 {
		panic(fmt.Sprintf("nn: NewScaler: length of x is %d, want a positive multiple of %d", len(x), cols))
	}
	s := &Scaler{make([]float64, cols), make([]float64, cols)}
	n := float64(len(x) / cols)
	for i, v := range x {
		s.Mean[i%cols] += v / n
	}
	for i, v := range x {
		d := v - s.Mean[i%cols]
		s.SD[i%cols] += d * d
	}
	for j, v := range s.SD {
		s.SD[j] = math.Sqrt(v / max(n-1, 1))
		if s.SD[j] < 1e-6*(math.Abs(s.Mean[j])+1e-12) || s.SD[j] == 0 {
			s.SD[j] = 1
		}
	}
	return s
}

// Apply writes (x − mean)/sd, row by row, to dst, which may be x.
func (s *Scaler) Apply(dst, x []float64) []float64 {
	dst = s.sized("Apply", dst, x)
	for i, v := range x {
		j := i % len(s.Mean)
		dst[i] = (v - s.Mean[j]) / s.SD[j]
	}
	return dst
}

// Invert writes mean + sd·x to dst, which may be x.
func (s *Scaler) Invert(dst, x []float64) []float64 {
	dst = s.sized("Invert", dst, x)
	for i, v := range x {
		j := i % len(s.Mean)
		dst[i] = s.Mean[j] + s.SD[j]*v
	}
	return dst
}

func (s *Scaler) sized(fn string, dst, x []float64) []float64 {
	if len(x)%len(s.Mean) != 0 {
		panic(fmt.Sprintf("nn: Scaler.%s: length of x is %d, want a multiple of %d", fn, len(x), len(s.Mean)))
	}
	if dst == nil {
		return make([]float64, len(x))
	}
	if len(dst) != len(x) {
		panic(fmt.Sprintf("nn: Scaler.%s: length of dst is %d, want %d", fn, len(dst), len(x)))
	}
	return dst
}
