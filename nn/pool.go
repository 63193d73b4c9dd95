package nn

// MaxPool takes the largest number of every window of Size×Size (of a series: of
// Size steps) of each channel, Stride apart (0: Size). Of equal numbers the
// first gets the gradient. Numbers at the end that fill no window are left out.
type MaxPool struct{ Size, Stride int }

// AvgPool takes the mean of every window; see [MaxPool].
type AvgPool struct{ Size, Stride int }

func poolWindow(name string, in Shape, size, stride int) (window, error) {
	if stride == 0 {
		stride = max(size, 1)
	}
	w, err := newWindow(name, Shape{1, in.Height, in.Width}, 1, size, stride, 0, in.Height == 1)
	if e, ok := err.(*Error); ok && e.Param == name+".Kernel" {
		e.Param = name + ".Size"
	}
	return w, err
}

func (p MaxPool) plan(in Shape) (Shape, int, int, error) {
	w, err := poolWindow("MaxPool", in, p.Size, p.Stride)
	return Shape{in.Channels, w.out.Height, w.out.Width}, 0, 0, err
}

func (p AvgPool) plan(in Shape) (Shape, int, int, error) {
	w, err := poolWindow("AvgPool", in, p.Size, p.Stride)
	return Shape{in.Channels, w.out.Height, w.out.Width}, 0, 0, err
}

// pool is a pool over channels × positions; place k of position j is x[k·positions+j].
type pool[T float] struct {
	channels, inArea, pos, size int
	x                           []int32
	mean                        bool
	from                        []int32 // of every output: the input that was largest
	y, dz, dx                   []T
}

func newPool[T float](in Shape, w window, mean bool) *pool[T] {
	p := &pool[T]{channels: in.Channels, inArea: in.Height * in.Width, pos: w.outArea, size: w.patch, mean: mean}
	_, p.x = w.pairs() // no padding: every place of every window, in order
	return p
}

func (p *pool[T]) forward(_, x []T, rows int) []T {
	n := rows * p.channels
	p.y = grow(p.y, n*p.pos)
	if !p.mean && cap(p.from) < n*p.pos {
		p.from = make([]int32, n*p.pos)
	}
	for i := range n {
		in, out := x[i*p.inArea:(i+1)*p.inArea], p.y[i*p.pos:(i+1)*p.pos]
		for j := range out {
			at := p.x[j]
			v := in[at]
			for k := 1; k < p.size; k++ {
				q := p.x[k*p.pos+j]
				switch u := in[q]; {
				case p.mean:
					v += u
				case u > v || u != u:
					v, at = u, q
				}
			}
			if p.mean {
				v /= T(p.size)
			} else {
				p.from[i*p.pos+j] = at
			}
			out[j] = v
		}
	}
	return p.y
}

func (p *pool[T]) delta(dy []T, rows int) { p.dz = dy[:rows*p.channels*p.pos] }

func (p *pool[T]) input(_ []T, rows int) []T {
	n := rows * p.channels
	p.dx = grow(p.dx, n*p.inArea)
	clear(p.dx)
	for i := range n {
		dx, dz := p.dx[i*p.inArea:(i+1)*p.inArea], p.dz[i*p.pos:(i+1)*p.pos]
		for j, v := range dz {
			if !p.mean {
				dx[p.from[i*p.pos+j]] += v
				continue
			}
			v /= T(p.size)
			for k := range p.size {
				dx[p.x[k*p.pos+j]] += v
			}
		}
	}
	return p.dx
}

func (p *pool[T]) grad([]T, int, T, T)       {}
func (p *pool[T]) squares([]T, int, T, T)    {}
func (p *pool[T]) perExample([]T, int, int)  {}
func (p *pool[T]) stats(int) ([]T, []T, int) { return nil, nil, 0 }
