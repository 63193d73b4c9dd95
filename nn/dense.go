package nn

// layer is a planned layer with its workspace. A forward pass comes first; delta
// sets ∂l/∂z of every row, which grad, squares, perExample and input then use.
// Gradients are of single rows, alpha scales sums over them.
type layer[T float] interface {
	// forward returns the outputs, rows×out, valid until the next call. x stays
	// the caller's and must not change until the backward pass is over.
	forward(w, x []T, rows int) []T
	// delta takes dy = ∂l/∂output, which it overwrites.
	delta(dy []T, rows int)
	// grad: g ← alpha·Σ_i ∇l_i + beta·g in this layer's part of g.
	grad(g []T, rows int, alpha, beta T)
	// squares: the same of squared gradients of rows.
	squares(sq []T, rows int, alpha, beta T)
	// perExample writes the gradient of row i into dst[i·stride:].
	perExample(dst []T, stride, rows int)
	// input returns ∂l/∂x, rows×in.
	input(w []T, rows int) []T
	stats(rows int) (in, grad []T, positions int)
}

type dense[T float] struct {
	o        *ops[T]
	act      act[T]
	in, out  int
	w0, b0   int // offsets
	x        []T
	y, dz    []T
	dx       []T
	xsq, zsq []T
}

func (d *dense[T]) forward(w, x []T, rows int) []T {
	d.x = x
	d.y = grow(d.y, rows*d.out)
	d.o.gemm(false, true, rows, d.out, d.in, 1, x, d.in, w[d.w0:], d.in, 0, d.y, d.out)
	b := w[d.b0 : d.b0+d.out]
	if d.act.kind == ReLU {
		d.o.relu(d.y, b)
		return d.y
	}
	d.o.addRow(d.y, b)
	d.act.apply(d.y)
	return d.y
}

func (d *dense[T]) delta(dy []T, rows int) {
	d.act.chain(dy[:rows*d.out], d.y)
	d.dz = dy[:rows*d.out]
}

func (d *dense[T]) grad(g []T, rows int, alpha, beta T) {
	d.sums(g, d.dz, d.x, rows, alpha, beta)
}

// sums: W part alpha·zᵀx + beta·g, b part alpha·Σz + beta·g.
func (d *dense[T]) sums(g, z, x []T, rows int, alpha, beta T) {
	d.o.gemm(true, false, d.out, d.in, rows, alpha, z, d.out, x, d.in, beta, g[d.w0:d.w0+d.out*d.in], d.in)
	b := g[d.b0 : d.b0+d.out]
	if beta == 0 {
		clear(b)
	}
	d.o.sumRows(b, z, alpha)
}

// The gradient of a row is an outer product, so the sum of squares is a product
// of the squares: Σ_i (z_i x_iᵀ)² = (z²)ᵀ(x²).
func (d *dense[T]) squares(sq []T, rows int, alpha, beta T) {
	d.xsq, d.zsq = grow(d.xsq, rows*d.in), grow(d.zsq, rows*d.out)
	d.o.square(d.xsq, d.x[:rows*d.in])
	d.o.square(d.zsq, d.dz)
	d.sums(sq, d.zsq, d.xsq, rows, alpha, beta)
}

func (d *dense[T]) perExample(dst []T, stride, rows int) {
	for i := range rows {
		x, z := d.x[i*d.in:(i+1)*d.in], d.dz[i*d.out:(i+1)*d.out]
		g := dst[i*stride : (i+1)*stride]
		for j, v := range z {
			row := g[d.w0+j*d.in:][:d.in]
			for k, u := range x {
				row[k] = v * u
			}
		}
		copy(g[d.b0:], z)
	}
}

func (d *dense[T]) input(w []T, rows int) []T {
	d.dx = grow(d.dx, rows*d.in)
	d.o.gemm(false, false, rows, d.in, d.out, 1, d.dz, d.out, w[d.w0:], d.in, 0, d.dx, d.in)
	return d.dx
}

func (d *dense[T]) stats(rows int) ([]T, []T, int) { return d.x[:rows*d.in], d.dz, 1 }
