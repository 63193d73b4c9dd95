package autodiff

import (
	"math"
	"slices"

	"github.com/natgrad/natgrad/internal/la"
	"github.com/natgrad/natgrad/internal/special"
)

// Densities of data that are counts or zeros and ones.

// BernoulliLogProb returns Σ log p(y | p) for data y of zeros and ones with P(y = 1) = p:
//
//	Σ y·log p + (1−y)·log(1−p).
//
// It is −Inf where p excludes what was seen and NaN for p outside [0, 1]; prefer
// BernoulliLogitLogProb where p is the inverse logit of something.
func BernoulliLogProb(y, p any) Node { return bernoulliDensity.at(y, p) }

var bernoulliDensity = newDensity(density{
	name:    "BernoulliLogProb",
	params:  [4]string{"y", "p"},
	support: [4]support{zeroOne, probability},
	term: func(x *[4]float64, p *partials, order int) float64 {
		return binomialTerm(x[0], 1, x[1], p, 1, order)
	},
})

// BernoulliLogitLogProb returns Σ log p(y | logit p = eta) for data y of zeros and ones:
//
//	Σ y·eta − log(1 + e^eta).
func BernoulliLogitLogProb(y, eta any) Node { return bernoulliLogitDensity.at(y, eta) }

var bernoulliLogitDensity = newDensity(density{
	name:    "BernoulliLogitLogProb",
	params:  [4]string{"y", "eta"},
	support: [4]support{0: zeroOne},
	term: func(x *[4]float64, p *partials, order int) float64 {
		return logitTerm(x[0], 1, x[1], p, 1, order)
	},
	// For values: signs, +1 for a one and −1 for a zero.
	prepare: func(d *densityArgs) []float64 {
		if d.step[0] == 0 || d.step[1] == 0 {
			return nil
		}
		sign := make([]float64, d.n)
		for i, y := range d.x[0] {
			sign[i] = 2*y - 1
		}
		return sign
	},
	loop: func(d *densityArgs, order int) (float64, bool) {
		if d.pre == nil {
			return 0, false
		}
		y, eta, g := d.x[0], d.x[1], d.g[1]
		if g == nil {
			return la.SumLogSigmoid(d.pre, eta), true
		}
		s := 0.0
		for lo := 0; lo < d.n; lo += half {
			hi := min(lo+half, d.n)
			p, soft := d.buf[:hi-lo], d.buf[half:][:hi-lo]
			y, eta, g := y[lo:hi], eta[lo:hi], g[lo:hi]
			la.Logistic(p, soft, eta)
			for i, v := range soft {
				s += y[i]*eta[i] - v
				g[i] += y[i] - p[i]
			}
		}
		return s, true
	},
})

// BinomialLogProb returns Σ log Binomial(y | n, p) for data y, successes among n trials,
// each with probability p:
//
//	Σ log C(n, y) + y·log p + (n−y)·log(1−p).
//
// It is −Inf where p excludes what was seen and NaN for p outside [0, 1].
func BinomialLogProb(y, n, p any) Node { return binomialDensity.at(y, n, p) }

var binomialDensity = newDensity(density{
	name:    "BinomialLogProb",
	params:  [4]string{"y", "n", "p"},
	support: [4]support{counts, counts, probability},
	relate:  successes,
	base:    logChoose,
	term: func(x *[4]float64, p *partials, order int) float64 {
		return binomialTerm(x[0], x[1], x[2], p, 2, order)
	},
})

func successes(x *[4]float64, _ *[4]bool) (int, string) {
	if x[0] > x[1] {
		return 0, "a count not above n"
	}
	return 0, ""
}

func logChoose(x *[4]float64) float64 {
	return -math.Log1p(x[1]) - special.LogBeta(x[1]-x[0]+1, x[0]+1)
}

// binomialTerm is y·log q + (n−y)·log(1−q), where 0·log 0 is 0, with q operand a.
func binomialTerm(y, n, q float64, p *partials, a, order int) float64 {
	if !(q >= 0 && q <= 1) {
		return math.NaN()
	}
	f, g, h := 0.0, 0.0, 0.0
	if y > 0 {
		f, g, h = y*math.Log(q), y/q, -y/(q*q)
	}
	if k := n - y; k > 0 {
		c := 1 - q
		f, g, h = f+k*math.Log1p(-q), g-k/c, h-k/(c*c)
	}
	if order > 0 {
		p.g[a], p.h[a][a] = g, h
	}
	return f
}

// logitTerm is y·eta − n·log(1+e^eta) with eta operand a.
func logitTerm(y, n, eta float64, p *partials, a, order int) float64 {
	if order > 0 {
		s := special.Sigmoid(eta)
		p.g[a], p.h[a][a] = y-n*s, -n*s*special.Sigmoid(-eta)
	}
	return y*eta - n*special.Log1pExp(eta)
}

// BinomialLogitLogProb returns Σ log Binomial(y | n, logit p = eta) for data y, successes
// among n trials:
//
//	Σ log C(n, y) + y·eta − n·log(1 + e^eta).
func BinomialLogitLogProb(y, n, eta any) Node { return binomialLogitDensity.at(y, n, eta) }

var binomialLogitDensity = newDensity(density{
	name:    "BinomialLogitLogProb",
	params:  [4]string{"y", "n", "eta"},
	support: [4]support{0: counts, 1: counts},
	relate:  successes,
	base:    logChoose,
	term: func(x *[4]float64, p *partials, order int) float64 {
		return logitTerm(x[0], x[1], x[2], p, 2, order)
	},
	loop: func(d *densityArgs, order int) (float64, bool) {
		if d.step[2] == 0 {
			return 0, false
		}
		y, n, eta, g := d.x[0], d.x[1], d.x[2], d.g[2]
		sy, sn := d.step[0], d.step[1]
		s := 0.0
		for lo := 0; lo < d.n; lo += half {
			hi := min(lo+half, d.n)
			p, soft := d.buf[:hi-lo], d.buf[half:][:hi-lo]
			if g == nil {
				p = nil
			}
			la.Logistic(p, soft, eta[lo:hi])
			for k, v := range soft {
				i := lo + k
				s += y[i*sy]*eta[i] - n[i*sn]*v
				if g != nil {
					g[i] += y[i*sy] - n[i*sn]*p[k]
				}
			}
		}
		return s, true
	},
})

// GeometricLogProb returns Σ log Geometric(y | p) for data y, failures before the first
// success, each trial with probability p of success:
//
//	Σ log p + y·log(1−p).
//
// It is −Inf where p excludes what was seen and NaN for p outside [0, 1].
func GeometricLogProb(y, p any) Node { return geometricDensity.at(y, p) }

var geometricDensity = newDensity(density{
	name:    "GeometricLogProb",
	params:  [4]string{"y", "p"},
	support: [4]support{counts, probability},
	term: func(x *[4]float64, p *partials, order int) float64 {
		return binomialTerm(1, x[0]+1, x[1], p, 1, order)
	},
})

// PoissonLogProb returns Σ log Poisson(y | rate) for data y, counts of mean rate:
//
//	Σ y·log rate − rate − log y!
//
// It is NaN for rate < 0.
func PoissonLogProb(y, rate any) Node { return poissonDensity.at(y, rate) }

func logFactorial(x *[4]float64) float64 { return -special.Lgamma(x[0] + 1) }

var poissonDensity = newDensity(density{
	name:    "PoissonLogProb",
	params:  [4]string{"y", "rate"},
	support: [4]support{counts, nonNegative},
	base:    logFactorial,
	term: func(x *[4]float64, p *partials, order int) float64 {
		y, r := x[0], x[1]
		if !(r >= 0) {
			return math.NaN()
		}
		f, g, h := -r, -1.0, 0.0
		if y > 0 {
			f, g, h = f+y*math.Log(r), g+y/r, -y/(r*r)
		}
		if order > 0 {
			p.g[1], p.h[1][1] = g, h
		}
		return f
	},
})

// PoissonLogLogProb returns Σ log Poisson(y | e^eta) for data y, counts of mean e^eta:
//
//	Σ y·eta − e^eta − log y!
func PoissonLogLogProb(y, eta any) Node { return poissonLogDensity.at(y, eta) }

var poissonLogDensity = newDensity(density{
	name:    "PoissonLogLogProb",
	params:  [4]string{"y", "eta"},
	support: [4]support{0: counts},
	base:    logFactorial,
	term: func(x *[4]float64, p *partials, order int) float64 {
		m := math.Exp(x[1])
		if order > 0 {
			p.g[1], p.h[1][1] = x[0]-m, -m
		}
		return x[0]*x[1] - m
	},
	loop: func(d *densityArgs, order int) (float64, bool) {
		if d.step[1] == 0 {
			return 0, false
		}
		y, sy, eta, g := d.x[0], d.step[0], d.x[1], d.g[1]
		s := 0.0
		for lo := 0; lo < d.n; lo += block {
			hi := min(lo+block, d.n)
			b := d.buf[:hi-lo]
			la.Exp(b, eta[lo:hi])
			for k, m := range b {
				i := lo + k
				s += y[i*sy]*eta[i] - m
				if g != nil {
					g[i] += y[i*sy] - m
				}
			}
		}
		return s, true
	},
})

// NegBinomialLogLogProb returns Σ log NegBinomial(y | e^eta, phi) for data y, counts of mean
// m = e^eta and variance m + m²/phi, phi > 0:
//
//	Σ log Γ(y+phi) − log Γ(phi) − log y! + phi·log phi + y·eta − (y+phi)·log(phi + m).
func NegBinomialLogLogProb(y, eta, phi any) Node { return negBinomialLogDensity.at(y, eta, phi) }

var negBinomialLogDensity = newDensity(density{
	name:    "NegBinomialLogLogProb",
	params:  [4]string{"y", "eta", "phi"},
	support: [4]support{0: counts, 2: positive},
	base:    logFactorial,
	// With u = eta − log φ: log Γ(y+φ) − log Γ(φ) + y·u − (y+φ)·log(1+e^u).
	term: func(x *[4]float64, p *partials, order int) float64 {
		y, phi := x[0], x[2]
		if !(phi > 0) {
			return math.NaN()
		}
		u := x[1] - math.Log(phi)
		soft := special.Log1pExp(u)
		if order > 0 {
			s, c, w := special.Sigmoid(u), special.Sigmoid(-u), 1/phi
			p.g[1] = y*c - phi*s
			if p.need[2] {
				p.g[2] = special.DigammaDelta(phi, y) - y*w + (y+phi)*s*w - soft
			}
			if order > 1 {
				p.h[1][1] = -(y + phi) * s * c
				p.h[1][2] = -s + (y+phi)*s*c*w
				if p.need[2] {
					p.h[2][2] = special.TrigammaDelta(phi, y) + y*w*w + 2*s*w - (y+phi)*s*(1+c)*w*w
				}
			}
		}
		return special.LgammaDelta(phi, y) + y*u - (y+phi)*soft
	},
	prepare: distinctCounts,
	loop:    negBinomialLogLoop,
})

// distinctCounts lists the different counts above 0, each with how often it is there.
func distinctCounts(d *densityArgs) []float64 {
	if d.step[0] == 0 {
		return nil
	}
	y := slices.Clone(d.x[0])
	slices.Sort(y)
	pre := []float64{0, 0}
	for _, v := range y {
		if k := len(pre); v == pre[k-2] {
			pre[k-1]++
		} else {
			pre = append(pre, v, 1)
		}
	}
	return pre
}

// negBinomialLogLoop has one φ: gamma functions of every different count only.
func negBinomialLogLoop(d *densityArgs, order int) (float64, bool) {
	phi := d.x[2][0]
	if d.pre == nil || d.step[1] == 0 || d.step[2] != 0 || !(phi > 0) {
		return 0, false
	}
	y, eta, g, gp := d.x[0], d.x[1], d.g[1], d.g[2]
	logPhi, w := math.Log(phi), 1/phi
	s, slope := 0.0, 0.0
	for k := 2; k < len(d.pre); k += 2 {
		s += d.pre[k+1] * special.LgammaDelta(phi, d.pre[k])
		if gp != nil {
			slope += d.pre[k+1] * special.DigammaDelta(phi, d.pre[k])
		}
	}
	u, soft := d.buf[:half], d.buf[half:]
	for lo := 0; lo < d.n; lo += half {
		hi := min(lo+half, d.n)
		u, soft := u[:hi-lo], soft[:hi-lo]
		for k, e := range eta[lo:hi] {
			u[k] = e - logPhi
			s += y[lo+k] * u[k]
		}
		if order == 0 {
			la.Softplus(soft, u)
		} else {
			la.Logistic(u, soft, u)
		}
		for k, v := range soft {
			m := y[lo+k] + phi
			s -= m * v
			if g != nil {
				g[lo+k] += y[lo+k] - m*u[k]
			}
			if gp != nil {
				slope += (m*u[k]-y[lo+k])*w - v
			}
		}
	}
	if gp != nil {
		gp[0] += slope
	}
	return s, true
}
