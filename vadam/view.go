package vadam

import (
	"math"

	"github.com/natgrad/natgrad/expfam"
)

func (o *core[T]) mean(dst []T) []T {
	dst = sized("Mean", dst, len(o.cur.mu))
	copy(dst, o.cur.mu)
	return dst
}

// precisions writes P to dst.
func (o *core[T]) precisions(dst []T) {
	n, c, prior := o.scale(o.t)
	for _, sg := range o.seg {
		for i := sg.lo; i < sg.hi; i++ {
			dst[i] = T(n)*o.cur.s[i] + T(sg.lam*prior+c)
		}
	}
}

func (o *core[T]) sd(dst []T) []T {
	dst = sized("SD", dst, len(o.cur.mu))
	if o.set.Method == Adam {
		clear(dst)
		return dst
	}
	o.precisions(dst)
	for i, p := range dst {
		dst[i] = 1 / sqrt(p)
	}
	return dst
}

func (o *core[T]) sample(dst []T, seed, stream uint64) []T {
	dst = sized("Sample", dst, len(o.cur.mu))
	if o.set.Method == Adam {
		copy(dst, o.cur.mu)
		return dst
	}
	o.do.normals(dst, seed, stream)
	n, c, prior := o.scale(o.t)
	for _, sg := range o.seg {
		for i := sg.lo; i < sg.hi; i++ {
			dst[i] = o.cur.mu[i] + dst[i]/sqrt(T(n)*o.cur.s[i]+T(sg.lam*prior+c))
		}
	}
	return dst
}

func (o *core[T]) priorPrec(dst []T) []T {
	dst = sized("PriorPrec", dst, len(o.cur.mu))
	h, _ := o.at(max(o.t, 1))
	for _, sg := range o.seg {
		for i := sg.lo; i < sg.hi; i++ {
			dst[i] = T(sg.lam * h.prior)
		}
	}
	return dst
}

func (o *core[T]) kl() float64 {
	if o.set.Method == Adam || o.method.uses&usePrior == 0 {
		return nan
	}
	n, c, prior := o.scale(o.t)
	h, _ := o.at(max(o.t, 1))
	var kl float64
	for _, sg := range o.seg {
		lam := sg.lam * h.prior
		for i := sg.lo; i < sg.hi; i++ {
			mu := float64(o.cur.mu[i])
			r := lam / (n*float64(o.cur.s[i]) + sg.lam*prior + c)
			kl += lam*mu*mu + r - 1 - math.Log(r)
		}
	}
	return 0.5 * kl
}

func (o *core[T]) gradNorm() float64 {
	var s float64
	for _, v := range o.g {
		s += float64(v) * float64(v)
	}
	return math.Sqrt(s)
}

// sdRange uses next.s, which is free between steps.
func (o *core[T]) sdRange() (smallest, median, largest float64) {
	if o.set.Method == Adam {
		return 0, 0, 0
	}
	p := o.next.s
	o.precisions(p)
	lo, hi := p[0], p[0]
	for _, v := range p {
		lo, hi = min(lo, v), max(hi, v)
	}
	mid := float64(selectKth(p, len(p)/2))
	return 1 / math.Sqrt(float64(hi)), 1 / math.Sqrt(mid), 1 / math.Sqrt(float64(lo))
}

// selectKth reorders x and returns its k-th smallest number (Hoare 1961).
func selectKth[T float](x []T, k int) T {
	for lo, hi := 0, len(x)-1; lo < hi; {
		pivot := x[(lo+hi)/2]
		i, j := lo, hi
		for i <= j {
			for x[i] < pivot {
				i++
			}
			for x[j] > pivot {
				j--
			}
			if i <= j {
				x[i], x[j] = x[j], x[i]
				i++
				j--
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return x[k]
		}
	}
	return x[k]
}

func (o *core[T]) posterior() (*expfam.DiagNormal, error) {
	mu, sd := make([]float64, len(o.cur.mu)), make([]float64, len(o.cur.mu))
	n, c, prior := o.scale(o.t)
	if o.set.Method == Adam {
		return nil, &expfam.DomainError{Family: "Adam", Func: "Posterior", Param: "sd", Index: -1, Value: 0, Want: "> 0: the method has no posterior"}
	}
	for _, sg := range o.seg {
		for i := sg.lo; i < sg.hi; i++ {
			mu[i] = float64(o.cur.mu[i])
			sd[i] = 1 / math.Sqrt(n*float64(o.cur.s[i])+sg.lam*prior+c)
		}
	}
	return expfam.NewDiagNormal(mu, sd)
}

func sqrt[T float](x T) T { return T(math.Sqrt(float64(x))) }
