package autodiff

import (
	"math"

	"github.com/natgrad/natgrad/internal/la"
	"github.com/natgrad/natgrad/internal/special"
)

// Densities on the positive numbers and on intervals.

// HalfNormalLogProb returns Σ log HalfNormal(y | sigma) for y >= 0, twice the normal density
// of mean 0 and standard deviation sigma > 0:
//
//	Σ log 2 − ½(y/sigma)² − log sigma − ½ log 2π,
//
// and −Inf for y < 0.
func HalfNormalLogProb(y, sigma any) Node { return halfNormalDensity.at(y, sigma) }

var halfNormalDensity = newHalf("HalfNormalLogProb", func(z float64) shape {
	return shape{math.Ln2 - z*z/2 - logSqrt2Pi, -z, -1}
})

// HalfCauchyLogProb returns Σ log HalfCauchy(y | sigma) for y >= 0, twice the Cauchy
// density of location 0 and scale sigma > 0:
//
//	Σ log(2/π) − log sigma − log(1 + (y/sigma)²),
//
// and −Inf for y < 0.
func HalfCauchyLogProb(y, sigma any) Node { return halfCauchyDensity.at(y, sigma) }

var halfCauchyDensity = newHalf("HalfCauchyLogProb", func(z float64) shape {
	s := cauchyShape(z)
	s.h += math.Ln2
	return s
})

// newHalf is a density of scale sigma on y >= 0.
func newHalf(name string, h func(z float64) shape) *density {
	return newDensity(density{
		name:    name,
		params:  [4]string{"y", "sigma"},
		support: [4]support{nonNegative, positive},
		term: func(x *[4]float64, p *partials, order int) float64 {
			if x[0] < 0 {
				return p.outside()
			}
			w := 1 / x[1]
			z := x[0] * w
			s := h(z)
			if order > 0 {
				p.g[0], p.g[1] = s.h1*w, -(z*s.h1+1)*w
			}
			if order > 1 {
				ww := w * w
				p.h[0][0], p.h[0][1], p.h[1][1] = s.h2*ww, -(s.h1+z*s.h2)*ww, (z*(2*s.h1+z*s.h2)+1)*ww
			}
			return s.h - math.Log(x[1])
		},
		loop:    fixedScale(h, 1),
		prepare: prepareScale(1),
	})
}

// ExponentialLogProb returns Σ log Exponential(y | rate) for y >= 0 with rate > 0, 1/mean:
//
//	Σ log rate − rate·y,
//
// and −Inf for y < 0.
func ExponentialLogProb(y, rate any) Node { return exponentialDensity.at(y, rate) }

var exponentialDensity = newDensity(density{
	name:    "ExponentialLogProb",
	params:  [4]string{"y", "rate"},
	support: [4]support{nonNegative, positive},
	term: func(x *[4]float64, p *partials, order int) float64 {
		y, r := x[0], x[1]
		if y < 0 {
			return p.outside()
		}
		if order > 0 {
			p.g[0], p.g[1] = -r, 1/r-y
		}
		if order > 1 {
			p.h[0][0], p.h[0][1], p.h[1][1] = 0, -1, -1/(r*r)
		}
		return math.Log(r) - r*y
	},
})

// GammaLogProb returns Σ log Gamma(y | shape, rate) for y > 0, shape > 0 and rate > 0; the
// mean is shape/rate:
//
//	Σ shape·log rate − log Γ(shape) + (shape−1)·log y − rate·y,
//
// and −Inf for y <= 0.
func GammaLogProb(y, shape, rate any) Node { return gammaDensity.at(y, shape, rate) }

var gammaDensity = newDensity(density{
	name:    "GammaLogProb",
	params:  [4]string{"y", "shape", "rate"},
	support: [4]support{positive, positive, positive},
	term: func(x *[4]float64, p *partials, order int) float64 {
		y, a, b := x[0], x[1], x[2]
		if y <= 0 {
			return p.outside()
		}
		logY, logB := math.Log(y), math.Log(b)
		if order > 0 {
			p.g[0], p.g[2] = (a-1)/y-b, a/b-y
			if p.need[1] {
				p.g[1] = logB - special.Digamma(a) + logY
			}
		}
		if order > 1 {
			p.h[0][0], p.h[0][1], p.h[0][2] = -(a-1)/(y*y), 1/y, -1
			p.h[1][2], p.h[2][2] = 1/b, -a/(b*b)
			if p.need[1] {
				p.h[1][1] = -special.Trigamma(a)
			}
		}
		return a*logB - special.Lgamma(a) + (a-1)*logY - b*y
	},
	// Σ log y of data.
	prepare: func(d *densityArgs) []float64 {
		if !d.fixed[0] {
			return nil
		}
		s := 0.0
		for i := range d.n {
			s += math.Log(d.x[0][i*d.step[0]])
		}
		return []float64{s}
	},
	loop: gammaLoop,
})

// gammaLoop has data and one shape.
func gammaLoop(d *densityArgs, order int) (float64, bool) {
	if d.pre == nil || d.step[1] != 0 {
		return 0, false
	}
	y, sy, a, b, sb := d.x[0], d.step[0], d.x[1][0], d.x[2], d.step[2]
	n := float64(d.n)
	logB, by := 0.0, 0.0 // Σ log rate, Σ rate·y
	g := d.g[2]
	if sb == 0 {
		for i := range d.n {
			by += y[i*sy]
		}
		logB = n * math.Log(b[0])
		if g != nil {
			g[0] += n*a/b[0] - by
		}
		by *= b[0]
	} else {
		for lo := 0; lo < d.n; lo += block {
			hi := min(lo+block, d.n)
			la.Log(d.buf[:hi-lo], b[lo:hi])
			for i := lo; i < hi; i++ {
				logB += d.buf[i-lo]
				by += b[i] * y[i*sy]
				if g != nil {
					g[i] += a/b[i] - y[i*sy]
				}
			}
		}
	}
	if ga := d.g[1]; ga != nil {
		ga[0] += logB - n*special.Digamma(a) + d.pre[0]
	}
	return a*logB - n*special.Lgamma(a) + (a-1)*d.pre[0] - by, true
}

// InverseGammaLogProb returns Σ log InverseGamma(y | shape, scale) for y > 0, shape > 0 and
// scale > 0, the density of 1/x for a gamma variable x with rate = scale:
//
//	Σ shape·log scale − log Γ(shape) − (shape+1)·log y − scale/y,
//
// and −Inf for y <= 0.
func InverseGammaLogProb(y, shape, scale any) Node { return inverseGammaDensity.at(y, shape, scale) }

var inverseGammaDensity = newDensity(density{
	name:    "InverseGammaLogProb",
	params:  [4]string{"y", "shape", "scale"},
	support: [4]support{positive, positive, positive},
	term: func(x *[4]float64, p *partials, order int) float64 {
		a, b := x[1], x[2]
		if x[0] <= 0 {
			return p.outside()
		}
		logY, logB, w := math.Log(x[0]), math.Log(b), 1/x[0]
		if order > 0 {
			p.g[0], p.g[2] = (b*w-a-1)*w, a/b-w
			if p.need[1] {
				p.g[1] = logB - special.Digamma(a) - logY
			}
		}
		if order > 1 {
			p.h[0][0], p.h[0][1], p.h[0][2] = (a+1-2*b*w)*w*w, -w, w*w
			p.h[1][2], p.h[2][2] = 1/b, -a/(b*b)
			if p.need[1] {
				p.h[1][1] = -special.Trigamma(a)
			}
		}
		return a*logB - special.Lgamma(a) - (a+1)*logY - b*w
	},
})

// WeibullLogProb returns Σ log Weibull(y | shape, scale) for y > 0, shape > 0 and scale > 0:
//
//	Σ log(shape/scale) + (shape−1)·log(y/scale) − (y/scale)^shape,
//
// and −Inf for y <= 0.
func WeibullLogProb(y, shape, scale any) Node { return weibullDensity.at(y, shape, scale) }

var weibullDensity = newDensity(density{
	name:    "WeibullLogProb",
	params:  [4]string{"y", "shape", "scale"},
	support: [4]support{positive, positive, positive},
	term: func(x *[4]float64, p *partials, order int) float64 {
		y, k, s := x[0], x[1], x[2]
		if y <= 0 {
			return p.outside()
		}
		u := math.Log(y / s)
		e := math.Exp(k * u)
		if order > 0 {
			fu := k - 1 - k*e
			p.g = [4]float64{fu / y, 1/k + u - u*e, -(1 + fu) / s}
			if order > 1 {
				fuu, fuk := -k*k*e, 1-e-k*u*e
				p.h[0][0], p.h[0][1], p.h[0][2] = (fuu-fu)/(y*y), fuk/y, -fuu/(y*s)
				p.h[1][1], p.h[1][2] = -1/(k*k)-u*u*e, -fuk/s
				p.h[2][2] = (1 + fu + fuu) / (s * s)
			}
		}
		return math.Log(k/s) + (k-1)*u - e
	},
})

// BetaLogProb returns Σ log Beta(y | a, b) for 0 < y < 1 with a > 0 and b > 0; the mean is a/(a+b):
//
//	Σ (a−1)·log y + (b−1)·log(1−y) − log B(a, b),
//
// and −Inf for y outside (0, 1).
func BetaLogProb(y, a, b any) Node { return betaDensity.at(y, a, b) }

var betaDensity = newDensity(density{
	name:    "BetaLogProb",
	params:  [4]string{"y", "a", "b"},
	support: [4]support{openUnit, positive, positive},
	term: func(x *[4]float64, p *partials, order int) float64 {
		y, a, b := x[0], x[1], x[2]
		if y <= 0 || y >= 1 {
			return p.outside()
		}
		if !(a > 0 && b > 0) {
			return math.NaN()
		}
		c := 1 - y
		logY, logC := math.Log(y), math.Log1p(-y)
		if order > 0 {
			p.g[0] = (a-1)/y - (b-1)/c
			if p.need[1] {
				p.g[1] = logY + special.DigammaDelta(a, b)
			}
			if p.need[2] {
				p.g[2] = logC + special.DigammaDelta(b, a)
			}
		}
		if order > 1 {
			p.h[0][0], p.h[0][1], p.h[0][2] = -(a-1)/(y*y)-(b-1)/(c*c), 1/y, -1/c
			if p.need[1] || p.need[2] {
				p.h[1][1], p.h[2][2] = special.TrigammaDelta(a, b), special.TrigammaDelta(b, a)
				p.h[1][2] = special.Trigamma(a + b)
			}
		}
		return (a-1)*logY + (b-1)*logC - special.LogBeta(a, b)
	},
})

// UniformLogProb returns Σ log Uniform(y | lo, hi) for lo <= y <= hi:
//
//	Σ −log(hi − lo),
//
// and −Inf for y outside. Its slope in y is 0, so y needs a constraint to the interval.
func UniformLogProb(y, lo, hi any) Node { return uniformDensity.at(y, lo, hi) }

var uniformDensity = newDensity(density{
	name:   "UniformLogProb",
	params: [4]string{"y", "lo", "hi"},
	relate: func(x *[4]float64, fixed *[4]bool) (int, string) {
		switch {
		case fixed[1] && fixed[2] && !(x[1] < x[2]):
			return 2, "a number above lo"
		case fixed[0] && fixed[1] && x[0] < x[1]:
			return 0, "a number not below lo"
		case fixed[0] && fixed[2] && x[0] > x[2]:
			return 0, "a number not above hi"
		}
		return 0, ""
	},
	term: func(x *[4]float64, p *partials, order int) float64 {
		if x[0] < x[1] || x[0] > x[2] {
			return p.outside()
		}
		w := 1 / (x[2] - x[1])
		if order > 0 {
			p.g = [4]float64{0, w, -w}
		}
		if order > 1 {
			p.h = [4][4]float64{1: {1: w * w, 2: -w * w}, 2: {2: w * w}}
		}
		return math.Log(w)
	},
})
