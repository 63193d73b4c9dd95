package nn

import "fmt"

// Conv1D is a convolution over a series: Out channels of act(Σ w·x + b) over
// windows of Kernel steps, Stride apart (0: 1), with Pad zeros at both ends. Its
// W has a row a channel, of in-channels × Kernel numbers.
type Conv1D struct {
	Out, Kernel, Stride, Pad int
	Act                      Activation
}

// Conv2D is [Conv1D] over a picture with square windows; a row of W is in-channels
// × Kernel × Kernel numbers.
type Conv2D struct {
	Out, Kernel, Stride, Pad int
	Act                      Activation
}

// window is the geometry of a convolution or a pool.
type window struct {
	in, out        Shape
	kh, kw         int
	strideH, padH  int
	strideW, padW  int
	patch, outArea int // numbers of a patch, positions
}

func newWindow(name string, in Shape, channels, kernel, stride, pad int, series bool) (window, error) {
	if stride == 0 {
		stride = 1
	}
	bad := func(field string, v int, want string) (window, error) {
		return window{}, &Error{Func: "New", Param: name + "." + field, Index: -1, Value: float64(v), Want: want}
	}
	w := window{in: in, kh: kernel, kw: kernel, strideH: stride, strideW: stride, padH: pad, padW: pad}
	if series {
		w.kh, w.strideH, w.padH = 1, 1, 0
	}
	switch {
	case kernel < 1:
		return bad("Kernel", kernel, "at least 1")
	case stride < 1:
		return bad("Stride", stride, "at least 1")
	case pad < 0 || pad >= kernel:
		return bad("Pad", pad, "0 to Kernel−1")
	case channels < 1:
		return bad("Out", channels, "at least 1")
	case in.Width+2*w.padW < w.kw || in.Height+2*w.padH < w.kh:
		return bad("Kernel", kernel, fmt.Sprintf("at most the padded input, which is %d×%d", in.Height+2*w.padH, in.Width+2*w.padW))
	}
	w.out = Shape{channels, (in.Height+2*w.padH-w.kh)/w.strideH + 1, (in.Width+2*w.padW-w.kw)/w.strideW + 1}
	w.patch, w.outArea = in.Channels*w.kh*w.kw, w.out.Height*w.out.Width
	return w, nil
}

func (c Conv1D) window(in Shape) (window, error) {
	if in.Height != 1 {
		return window{}, &Error{Func: "New", Param: "Conv1D input height", Index: -1, Value: float64(in.Height), Want: "1: a series (Conv2D takes pictures)"}
	}
	return newWindow("Conv1D", in, c.Out, c.Kernel, c.Stride, c.Pad, true)
}

func (c Conv2D) window(in Shape) (window, error) {
	return newWindow("Conv2D", in, c.Out, c.Kernel, c.Stride, c.Pad, false)
}

func (c Conv1D) plan(in Shape) (Shape, int, int, error) {
	w, err := c.window(in)
	if err == nil {
		err = checkActivation(c.Act)
	}
	return w.out, c.Out, w.patch, err
}

func (c Conv2D) plan(in Shape) (Shape, int, int, error) {
	w, err := c.window(in)
	if err == nil {
		err = checkActivation(c.Act)
	}
	return w.out, c.Out, w.patch, err
}

// each visits the pairs of a window place and an input number: column is the place in
// the patch matrix (patch×positions), x the place in the example.
func (w *window) each(visit func(column, x int)) {
	for c := range w.in.Channels {
		for i := range w.kh {
			for j := range w.kw {
				row := ((c*w.kh+i)*w.kw + j) * w.outArea
				for oh := range w.out.Height {
					h := oh*w.strideH - w.padH + i
					if h < 0 || h >= w.in.Height {
						continue
					}
					for ow := range w.out.Width {
						v := ow*w.strideW - w.padW + j
						if v < 0 || v >= w.in.Width {
							continue
						}
						visit(row+oh*w.out.Width+ow, (c*w.in.Height+h)*w.in.Width+v)
					}
				}
			}
		}
	}
}

// pairs lists what each visits, so that no loop computes it again.
func (w *window) pairs() (column, x []int32) {
	w.each(func(c, i int) { column, x = append(column, int32(c)), append(x, int32(i)) })
	return column, x
}

// conv is a convolution as a product with the matrix of patches of every example.
type conv[T float] struct {
	o         *ops[T]
	act       act[T]
	w         window
	w0, b0    int
	column, x []int32 // places in a patch matrix and in an example
	patches   []T     // of all examples, patch×positions each
	y, dz, dx []T
	dp        []T // gradient in the patches of an example
	one       []T // gradient of W of an example
	in, grads []T // statistics
}

func newConv[T float](o *ops[T], a Activation, w window, w0, b0 int) *conv[T] {
	c := &conv[T]{o: o, act: act[T]{kind: a, o: o}, w: w, w0: w0, b0: b0}
	c.column, c.x = w.pairs()
	return c
}

func (c *conv[T]) forward(w, x []T, rows int) []T {
	k, pos, out, in := c.w.patch, c.w.outArea, c.w.out.Channels, c.w.in.Size()
	c.patches, c.y = grow(c.patches, rows*k*pos), grow(c.y, rows*out*pos)
	clear(c.patches)
	b := w[c.b0 : c.b0+out]
	for i := range rows {
		p, xi := c.patches[i*k*pos:(i+1)*k*pos], x[i*in:(i+1)*in]
		for j, col := range c.column {
			p[col] = xi[c.x[j]]
		}
		y := c.y[i*out*pos : (i+1)*out*pos]
		c.o.gemm(false, false, out, pos, k, 1, w[c.w0:], k, p, pos, 0, y, pos)
		for ch, v := range b {
			for j := range pos {
				y[ch*pos+j] += v
			}
		}
	}
	c.act.apply(c.y)
	return c.y
}

func (c *conv[T]) delta(dy []T, rows int) {
	c.dz = dy[:rows*c.w.out.Size()]
	c.act.chain(c.dz, c.y)
}

// row adds alpha times the gradient of example i in W and b.
func (c *conv[T]) row(gw, gb []T, i int, alpha, beta T) {
	k, pos, out := c.w.patch, c.w.outArea, c.w.out.Channels
	dz := c.dz[i*out*pos : (i+1)*out*pos]
	c.o.gemm(false, true, out, k, pos, alpha, dz, pos, c.patches[i*k*pos:], pos, beta, gw, k)
	for ch := range gb {
		sum := T(0)
		for _, v := range dz[ch*pos : (ch+1)*pos] {
			sum += v
		}
		gb[ch] = beta*gb[ch] + alpha*sum
	}
}

func (c *conv[T]) parts(g []T) (gw, gb []T) {
	n := c.w.out.Channels * c.w.patch
	return g[c.w0 : c.w0+n], g[c.b0 : c.b0+c.w.out.Channels]
}

func (c *conv[T]) grad(g []T, rows int, alpha, beta T) {
	gw, gb := c.parts(g)
	if beta == 0 {
		clear(gw)
		clear(gb)
	}
	for i := range rows {
		c.row(gw, gb, i, alpha, 1)
	}
}

// An example's gradient is a sum over positions, so it is formed and then squared.
func (c *conv[T]) squares(sq []T, rows int, alpha, beta T) {
	gw, gb := c.parts(sq)
	if beta == 0 {
		clear(gw)
		clear(gb)
	}
	n := len(gw)
	c.one = grow(c.one, n+len(gb))
	for i := range rows {
		c.row(c.one[:n], c.one[n:], i, 1, 0)
		for j, v := range c.one[:n] {
			gw[j] += alpha * v * v
		}
		for j, v := range c.one[n:] {
			gb[j] += alpha * v * v
		}
	}
}

func (c *conv[T]) perExample(dst []T, stride, rows int) {
	for i := range rows {
		gw, gb := c.parts(dst[i*stride : (i+1)*stride])
		c.row(gw, gb, i, 1, 0)
	}
}

func (c *conv[T]) input(w []T, rows int) []T {
	k, pos, out, in := c.w.patch, c.w.outArea, c.w.out.Channels, c.w.in.Size()
	c.dx, c.dp = grow(c.dx, rows*in), grow(c.dp, k*pos)
	clear(c.dx)
	for i := range rows {
		c.o.gemm(true, false, k, pos, out, 1, w[c.w0:], k, c.dz[i*out*pos:], pos, 0, c.dp, pos)
		dx := c.dx[i*in : (i+1)*in]
		for j, col := range c.column {
			dx[c.x[j]] += c.dp[col]
		}
	}
	return c.dx
}

// stats lays patches and gradients out as rows×positions.
func (c *conv[T]) stats(rows int) ([]T, []T, int) {
	k, pos, out := c.w.patch, c.w.outArea, c.w.out.Channels
	c.in, c.grads = grow(c.in, rows*pos*k), grow(c.grads, rows*pos*out)
	for i := range rows {
		for p := range pos {
			for j := range k {
				c.in[(i*pos+p)*k+j] = c.patches[(i*k+j)*pos+p]
			}
			for j := range out {
				c.grads[(i*pos+p)*out+j] = c.dz[(i*out+j)*pos+p]
			}
		}
	}
	return c.in, c.grads, pos
}
