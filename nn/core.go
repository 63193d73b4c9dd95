package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
)

// blockRows is the number of rows of a block. Sums over rows are sums of blocks
// in their order, whoever computed them.
const blockRows = 256

// lane is the workspace of one worker.
type lane[T float] struct {
	layers     []layer[T]
	le         lossEval[T]
	nll, delta []T
	g, sq      []T // of one block
	loss       float64
}

// net is Net and Net32.
type net[T float] struct {
	*arch
	o     *ops[T]
	lanes []*lane[T]
	seen  int // rows whose layer statistics the first lane holds
	wave  sync.WaitGroup
}

func newNet[T float](a *arch, o *ops[T]) *net[T] {
	n := &net[T]{arch: a, o: o}
	n.setWorkers(1)
	return n
}

func (n *net[T]) setWorkers(k int) {
	if k < 1 {
		panic(fmt.Sprintf("nn: SetWorkers: number of workers is %d, want at least 1", k))
	}
	for len(n.lanes) < k {
		l := &lane[T]{le: lossEval[T]{loss: n.arch.loss, out: n.out.Size(), o: n.o}}
		p := 0
		for i, s := range n.specs {
			w0, b0 := 0, 0
			if p < len(n.params) && n.params[p].Layer == i {
				w0, b0 = n.params[p].Offset, n.params[p+1].Offset
				p += 2
			}
			l.layers = append(l.layers, newLayer(n.o, s, n.shapes[i], n.shapes[i+1], w0, b0))
		}
		n.lanes = append(n.lanes, l)
	}
	n.lanes = n.lanes[:k]
}

func newLayer[T float](o *ops[T], s Layer, in, out Shape, w0, b0 int) layer[T] {
	switch s := s.(type) {
	case Dense:
		return &dense[T]{o: o, act: act[T]{kind: s.Act, o: o}, in: in.Size(), out: out.Size(), w0: w0, b0: b0}
	case Conv1D:
		g, _ := s.window(in) // planned before
		return newConv(o, s.Act, g, w0, b0)
	case Conv2D:
		g, _ := s.window(in)
		return newConv(o, s.Act, g, w0, b0)
	case MaxPool:
		g, _ := poolWindow("MaxPool", in, s.Size, s.Stride)
		return newPool[T](in, g, false)
	case AvgPool:
		g, _ := poolWindow("AvgPool", in, s.Size, s.Stride)
		return newPool[T](in, g, true)
	}
	panic(fmt.Sprintf("nn: unknown layer %T", s))
}

func (n *net[T]) init(w []T, rng *rand.Rand) {
	n.checkLen("Init", "w", len(w), n.total)
	for i, p := range n.params {
		if p.Layer < 0 {
			w[p.Offset] = T(n.arch.loss.start())
			continue
		}
		fan := p.Cols
		if p.Cols == 1 && i > 0 && n.params[i-1].Layer == p.Layer {
			fan = n.params[i-1].Cols
		}
		r := 1 / math.Sqrt(float64(fan))
		for j := range p.Len() {
			w[p.Offset+j] = T(r * (2*rng.Float64() - 1))
		}
	}
}

func (n *net[T]) checkLen(fn, param string, got, want int) {
	if got != want {
		panic(fmt.Sprintf("nn: %s: length of %s is %d, want %d", fn, param, got, want))
	}
}

// rowsOf is the number of rows of x.
func (n *net[T]) rowsOf(fn string, x []T) int {
	in := n.in.Size()
	if len(x)%in != 0 {
		panic(fmt.Sprintf("nn: %s: length of x is %d, want a multiple of %d", fn, len(x), in))
	}
	return len(x) / in
}

func (n *net[T]) theta(w []T) T {
	if n.total > n.weights {
		return w[n.weights]
	}
	return 0
}

// pass is a forward pass of one block.
func (l *lane[T]) pass(w, x []T, rows int) []T {
	for _, f := range l.layers {
		x = f.forward(w, x, rows)
	}
	return x
}

func (n *net[T]) forward(dst, w, x []T) []T {
	rows, in, out := n.rowsOf("Forward", x), n.in.Size(), n.out.Size()
	n.checkLen("Forward", "w", len(w), n.total)
	if dst == nil {
		dst = make([]T, rows*out)
	}
	n.checkLen("Forward", "dst", len(dst), rows*out)
	n.seen = 0
	l := n.lanes[0]
	for lo := 0; lo < rows; lo += blockRows {
		k := min(blockRows, rows-lo)
		copy(dst[lo*out:], l.pass(w, x[lo*in:(lo+k)*in], k))
	}
	return dst
}

// checkTargets finds a target that the loss refuses.
func (n *net[T]) checkTargets(fn string, y []T, rows int) error {
	cols := n.arch.loss.targets(n.out.Size())
	n.checkLen(fn, "y", len(y), rows*cols)
	out := n.out.Size()
	for i, v := range y {
		if want := n.arch.loss.label(float64(v), out); want != "" {
			param := "y"
			if cols > 1 {
				param = fmt.Sprintf("y, row %d, column", i/cols)
				i %= cols
			}
			return &Error{Func: fn, Param: param, Index: i, Value: float64(v), Want: want}
		}
	}
	return nil
}

// checkInputs finds an input that is not finite.
func (n *net[T]) checkInputs(fn string, x []T) error {
	if allFinite(x) {
		return nil
	}
	in := n.in.Size()
	i := slices.IndexFunc(x, bad[T])
	return &Error{Func: fn, Param: fmt.Sprintf("x, row %d, column", i/in), Index: i % in, Value: float64(x[i]), Want: "a finite number"}
}

// allFinite adds up 0·v in four sums, which do not wait for each other.
func allFinite[T float](x []T) bool {
	var a, b, c, d T
	for ; len(x) >= 4; x = x[4:] {
		a += 0 * x[0]
		b += 0 * x[1]
		c += 0 * x[2]
		d += 0 * x[3]
	}
	for _, v := range x {
		a += 0 * v
	}
	return a+b+c+d == 0
}

// explain finds what made a loss non-finite.
func (n *net[T]) explain(fn string, w, x []T, loss float64) error {
	if err := n.checkInputs(fn, x); err != nil {
		return err
	}
	for _, p := range n.params {
		for j, v := range w[p.Offset : p.Offset+p.Len()] {
			if bad(v) {
				return &Error{Func: fn, Param: "w, " + p.Name, Index: j, Value: float64(v), Want: "a finite number"}
			}
		}
	}
	return &Error{Func: fn, Param: "loss", Index: -1, Value: loss, Want: "a finite number: x and w are finite, so the net overflowed"}
}

func bad[T float](v T) bool { return v-v != 0 }

func (n *net[T]) logLik(dst, w, x, y []T) ([]T, error) {
	rows, in, out := n.rowsOf("LogLik", x), n.in.Size(), n.out.Size()
	n.checkLen("LogLik", "w", len(w), n.total)
	if dst != nil {
		n.checkLen("LogLik", "dst", len(dst), rows)
	}
	if err := n.checkInputs("LogLik", x); err != nil {
		return dst, err
	}
	if err := n.checkTargets("LogLik", y, rows); err != nil {
		return dst, err
	}
	if dst == nil {
		dst = make([]T, rows)
	}
	n.seen = 0
	l, cols := n.lanes[0], n.arch.loss.targets(out)
	for lo := 0; lo < rows; lo += blockRows {
		k := min(blockRows, rows-lo)
		f := l.pass(w, x[lo*in:(lo+k)*in], k)
		l.le.eval(dst[lo:lo+k], nil, f, y[lo*cols:], n.theta(w))
	}
	for i, v := range dst {
		if v != v {
			return dst, n.explain("LogLik", w, x, float64(v))
		}
		dst[i] = -v
	}
	return dst, nil
}

// curvature says what gradient adds to the gradient.
type curvature int

const (
	none curvature = iota
	squared
	gaussNewton
)

// checked is gradient of inputs that nobody has looked at: a saturated unit can
// hide one that is not finite from the loss, but not from the gradient.
func (n *net[T]) checked(fn string, c curvature, g, sq, w, x, y []T) (T, error) {
	if err := n.checkInputs(fn, x); err != nil {
		return 0, err
	}
	return n.gradient(fn, c, g, sq, w, x, y)
}

// gradient writes the mean of ∇l_i to g and, unless c is none, the mean
// curvature to sq, and returns the mean of l_i.
func (n *net[T]) gradient(fn string, c curvature, g, sq, w, x, y []T) (T, error) {
	rows := n.rowsOf(fn, x)
	n.checkLen(fn, "w", len(w), n.total)
	n.checkLen(fn, "grad", len(g), n.total)
	if c != none {
		n.checkLen(fn, "curvature", len(sq), n.total)
	}
	if rows == 0 {
		return 0, &Error{Func: fn, Param: "rows of x", Index: -1, Value: 0, Want: "at least 1"}
	}
	if err := n.checkTargets(fn, y, rows); err != nil {
		return 0, err
	}
	loss, alpha := 0.0, 1/T(rows)
	n.seen = 0
	if rows <= blockRows {
		l := n.lanes[0]
		n.block(l, c, g, sq, w, x, y, rows, alpha)
		loss = l.loss
		if c != gaussNewton { // whose last pass leaves no ∂l/∂z
			n.seen = rows
		}
	} else {
		loss = n.blocks(c, g, sq, w, x, y, rows, alpha)
	}
	loss /= float64(rows)
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return T(loss), n.explain(fn, w, x, loss)
	}
	return T(loss), nil
}

// blocks does more than one block, as many at a time as there are lanes.
func (n *net[T]) blocks(c curvature, g, sq, w, x, y []T, rows int, alpha T) float64 {
	in, cols := n.in.Size(), n.arch.loss.targets(n.out.Size())
	clear(g)
	if c != none {
		clear(sq)
	}
	loss := 0.0
	for lo := 0; lo < rows; {
		used := 0
		for ; used < len(n.lanes) && lo < rows; used++ {
			l, k := n.lanes[used], min(blockRows, rows-lo)
			l.g = grow(l.g, n.total)
			if c != none {
				l.sq = grow(l.sq, n.total)
			}
			xb, yb := x[lo*in:(lo+k)*in], y[lo*cols:(lo+k)*cols]
			lo += k
			if len(n.lanes) == 1 {
				n.block(l, c, l.g, l.sq, w, xb, yb, k, alpha)
				continue
			}
			n.wave.Go(func() { n.block(l, c, l.g, l.sq, w, xb, yb, k, alpha) })
		}
		n.wave.Wait()
		for _, l := range n.lanes[:used] {
			loss += l.loss
			for i, v := range l.g {
				g[i] += v
			}
			if c != none {
				for i, v := range l.sq {
					sq[i] += v
				}
			}
		}
	}
	return loss
}

// block does one block of rows.
func (n *net[T]) block(l *lane[T], c curvature, g, sq, w, x, y []T, rows int, alpha T) {
	out := n.out.Size()
	f := l.pass(w, x, rows)
	l.nll, l.delta = grow(l.nll, rows), grow(l.delta, rows*out)
	l.le.eval(l.nll, l.delta, f, y, n.theta(w))
	l.loss = 0
	for _, v := range l.nll {
		l.loss += float64(v)
	}
	dy := l.delta
	for i := len(l.layers) - 1; i >= 0; i-- {
		f := l.layers[i]
		f.delta(dy, rows)
		f.grad(g, rows, alpha, 0)
		if c == squared {
			f.squares(sq, rows, alpha, 0)
		}
		if i > 0 {
			dy = f.input(w, rows)
		}
	}
	if n.total > n.weights {
		sum, sum2 := T(0), T(0)
		for _, v := range l.le.extra[:rows] {
			sum += v
			sum2 += v * v
		}
		g[n.weights] = alpha * sum
		if c == squared {
			sq[n.weights] = alpha * sum2
		}
	}
	if c == gaussNewton {
		n.gaussNewton(l, sq, w, f, y, rows, alpha)
	}
}

// gaussNewton writes alpha·Σ_i diag(J_iᵀH_iJ_i), H_i = Σ_c s_c s_cᵀ: a backward
// pass of s_c for every c, squared.
func (n *net[T]) gaussNewton(l *lane[T], sq, w, f, y []T, rows int, alpha T) {
	clear(sq)
	for c := range l.le.roots() {
		dy := l.delta
		l.le.root(dy, f, y, n.theta(w), c, rows)
		for i := len(l.layers) - 1; i >= 0; i-- {
			f := l.layers[i]
			f.delta(dy, rows)
			f.squares(sq, rows, alpha, 1)
			if i > 0 {
				dy = f.input(w, rows)
			}
		}
	}
	if n.total > n.weights {
		sq[n.weights] = alpha * l.le.extraHess(f, y, n.theta(w), rows)
	}
}

func (n *net[T]) perExample(dst, w, x, y []T) error {
	rows, in, out := n.rowsOf("PerExample", x), n.in.Size(), n.out.Size()
	n.checkLen("PerExample", "w", len(w), n.total)
	n.checkLen("PerExample", "dst", len(dst), rows*n.total)
	if err := n.checkInputs("PerExample", x); err != nil {
		return err
	}
	if err := n.checkTargets("PerExample", y, rows); err != nil {
		return err
	}
	l, cols := n.lanes[0], n.arch.loss.targets(out)
	n.seen = 0
	for lo := 0; lo < rows; lo += blockRows {
		k := min(blockRows, rows-lo)
		part := dst[lo*n.total : (lo+k)*n.total]
		f := l.pass(w, x[lo*in:(lo+k)*in], k)
		l.nll, l.delta = grow(l.nll, k), grow(l.delta, k*out)
		l.le.eval(l.nll, l.delta, f, y[lo*cols:], n.theta(w))
		for _, v := range l.nll {
			if bad(v) {
				return n.explain("PerExample", w, x, float64(v))
			}
		}
		dy := l.delta
		for i := len(l.layers) - 1; i >= 0; i-- {
			f := l.layers[i]
			f.delta(dy, k)
			f.perExample(part, n.total, k)
			if i > 0 {
				dy = f.input(w, k)
			}
		}
		if n.total > n.weights {
			for i, v := range l.le.extra[:k] {
				part[i*n.total+n.weights] = v
			}
		}
	}
	return nil
}
