package autodiff

import (
	"math"

	"github.com/natgrad/natgrad/internal/la"
	"github.com/natgrad/natgrad/internal/special"
)

// Densities of a location and a scale, f = h(z) − log sigma with z = (y−mu)/sigma.

// shape holds h(z) and its first and second derivatives.
type shape struct{ h, h1, h2 float64 }

// locationScale returns the log density at location mu and scale sigma, which are
// operands m and m+1, from the shape at z.
func locationScale(p *partials, m, order int, s shape, z, sigma float64) float64 {
	w := 1 / sigma
	if order > 0 {
		p.g[0], p.g[m], p.g[m+1] = s.h1*w, -s.h1*w, -(z*s.h1+1)*w
	}
	if order > 1 {
		ww := w * w
		p.h[0][0], p.h[0][m], p.h[m][m] = s.h2*ww, -s.h2*ww, s.h2*ww
		c := (s.h1 + z*s.h2) * ww
		p.h[0][m+1], p.h[m][m+1] = -c, c
		p.h[m+1][m+1] = (z*(2*s.h1+z*s.h2) + 1) * ww
	}
	return s.h - math.Log(sigma)
}

// fixedScale is the loop of a density of the given shape whose scale, operand k, is one
// constant: the last of y, mu and sigma (k = 2), or of y >= 0 and sigma (k = 1).
func fixedScale(h func(z float64) shape, k int) func(d *densityArgs, order int) (float64, bool) {
	return func(d *densityArgs, order int) (float64, bool) {
		if d.pre == nil {
			return 0, false
		}
		w, sum := d.pre[0], d.pre[1]
		y, sy, gy := d.x[0], d.step[0], d.g[0]
		for i := range d.n {
			z := y[i*sy]
			if k == 2 {
				z -= d.x[1][i*d.step[1]]
			} else if z < 0 {
				sum = math.Inf(-1)
				continue
			}
			s := h(z * w)
			sum += s.h
			if gy != nil {
				gy[i*sy] += s.h1 * w
			}
			if k == 2 && d.g[1] != nil {
				d.g[1][i*d.step[1]] -= s.h1 * w
			}
		}
		return sum, true
	}
}

// prepareScale is for fixedScale: 1/sigma and −n·log sigma.
func prepareScale(k int) func(d *densityArgs) []float64 {
	return func(d *densityArgs) []float64 {
		if !d.fixed[k] || d.step[k] != 0 {
			return nil
		}
		sigma := d.x[k][0]
		return []float64{1 / sigma, -float64(d.n) * math.Log(sigma)}
	}
}

// newLocationScale is the density of y, mu and sigma with the given shape; loop and prepare
// may be nil.
func newLocationScale(name string, h func(z float64) shape, loop func(d *densityArgs, order int) (float64, bool), prepare func(d *densityArgs) []float64) *density {
	if loop == nil {
		loop, prepare = fixedScale(h, 2), prepareScale(2)
	}
	return newDensity(density{
		name:    name,
		params:  [4]string{"y", "mu", "sigma"},
		support: [4]support{2: positive},
		term: func(x *[4]float64, p *partials, order int) float64 {
			z := (x[0] - x[1]) / x[2]
			return locationScale(p, 1, order, h(z), z, x[2])
		},
		loop:    loop,
		prepare: prepare,
	})
}

const (
	logSqrt2Pi = 0.91893853320467274178032973640561764
	logPi      = 1.14472988584940017414342735135305871
)

// NormalLogProb returns Σ log N(y | mu, sigma²) with sigma > 0 the standard deviation:
//
//	Σ −½((y−mu)/sigma)² − log sigma − ½ log 2π.
func NormalLogProb(y, mu, sigma any) Node { return normalDensity.at(y, mu, sigma) }

var normalDensity = newLocationScale("NormalLogProb",
	func(z float64) shape { return shape{-z*z/2 - logSqrt2Pi, -z, -1} }, normalLoop, normalPrepare)

// normalPrepare is for standard deviations that are constant: −Σ log sigma and all 1/sigma.
func normalPrepare(d *densityArgs) []float64 {
	if !d.fixed[2] {
		return nil
	}
	pre := []float64{0}
	for _, s := range d.x[2] {
		pre[0] -= math.Log(s) * float64(d.n/len(d.x[2]))
		pre = append(pre, 1/s)
	}
	return pre
}

// normalLoop has one standard deviation for all, or constant ones.
func normalLoop(d *densityArgs, order int) (float64, bool) {
	n := float64(d.n)
	w, sw, total := d.buf[:1], 0, -n*logSqrt2Pi
	switch {
	case d.pre != nil:
		w, sw = d.pre[1:], d.step[2]
		total += d.pre[0]
	case d.step[2] == 0:
		w[0] = 1 / d.x[2][0]
		total -= n * math.Log(d.x[2][0])
	default:
		return 0, false
	}
	sy, sm := d.step[0], d.step[1]
	y, mu, gy, gm := d.x[0], d.x[1], d.g[0], d.g[1]
	ss := 0.0
	switch {
	case gy == nil && gm == nil:
		for i := range d.n {
			z := (y[i*sy] - mu[i*sm]) * w[i*sw]
			ss += z * z
		}
	case gy == nil && sy == 1 && sm == 1 && sw == 0:
		// A regression's errors.
		v := w[0]
		y, mu := y[:len(gm)], mu[:len(gm)]
		for i := range gm {
			z := (y[i] - mu[i]) * v
			ss += z * z
			gm[i] += z * v
		}
	case gy == nil && sy == 1 && sm == 1:
		// Observations with errors of their own.
		y, mu, w := y[:len(gm)], mu[:len(gm)], w[:len(gm)]
		for i, v := range w {
			z := (y[i] - mu[i]) * v
			ss += z * z
			gm[i] += z * v
		}
	case gm == nil && sy == 1 && sm == 0 && sw == 0:
		// A prior of many.
		m, v := mu[0], w[0]
		y := y[:len(gy)]
		for i := range gy {
			z := (y[i] - m) * v
			ss += z * z
			gy[i] -= z * v
		}
	default:
		for i := range d.n {
			v := w[i*sw]
			z := (y[i*sy] - mu[i*sm]) * v
			ss += z * z
			if gy != nil {
				gy[i*sy] -= z * v
			}
			if gm != nil {
				gm[i*sm] += z * v
			}
		}
	}
	if g := d.g[2]; g != nil {
		g[0] += (ss - n) * w[0]
	}
	return total - ss/2, true
}

// CauchyLogProb returns Σ log Cauchy(y | mu, sigma) with sigma > 0 the scale:
//
//	Σ −log π − log sigma − log(1 + ((y−mu)/sigma)²).
func CauchyLogProb(y, mu, sigma any) Node { return cauchyDensity.at(y, mu, sigma) }

var cauchyDensity = newLocationScale("CauchyLogProb", cauchyShape, nil, nil)

func cauchyShape(z float64) shape {
	q := 1 / (1 + z*z)
	return shape{-logPi - math.Log1p(z*z), -2 * z * q, -2 * (1 - z*z) * q * q}
}

// LaplaceLogProb returns Σ log Laplace(y | mu, sigma), the double exponential density
// with sigma > 0 the scale (the standard deviation is √2·sigma):
//
//	Σ −log 2 − log sigma − |y−mu|/sigma.
//
// At y = mu its slope is taken as 0.
func LaplaceLogProb(y, mu, sigma any) Node { return laplaceDensity.at(y, mu, sigma) }

var laplaceDensity = newLocationScale("LaplaceLogProb", func(z float64) shape {
	s := shape{h: -math.Ln2 - math.Abs(z)}
	if z != 0 {
		s.h1 = -math.Copysign(1, z)
	}
	return s
}, nil, nil)

// LogisticLogProb returns Σ log Logistic(y | mu, sigma) with sigma > 0 the scale (the
// standard deviation is π/√3·sigma), with z = (y−mu)/sigma:
//
//	Σ −z − log sigma − 2 log(1 + e^−z).
func LogisticLogProb(y, mu, sigma any) Node { return logisticDensity.at(y, mu, sigma) }

var logisticDensity = newLocationScale("LogisticLogProb", func(z float64) shape {
	a := math.Abs(z)
	return shape{-a - 2*math.Log1p(math.Exp(-a)), -math.Tanh(z / 2), -2 * special.Sigmoid(z) * special.Sigmoid(-z)}
}, nil, nil)

// LogNormalLogProb returns Σ log LogNormal(y | mu, sigma) for y > 0, log y being
// normal with mean mu and standard deviation sigma > 0:
//
//	Σ log N(log y | mu, sigma²) − log y,
//
// and −Inf for y <= 0.
func LogNormalLogProb(y, mu, sigma any) Node { return logNormalDensity.at(y, mu, sigma) }

var logNormalDensity = newDensity(density{
	name:    "LogNormalLogProb",
	params:  [4]string{"y", "mu", "sigma"},
	support: [4]support{0: positive, 2: positive},
	term: func(x *[4]float64, p *partials, order int) float64 {
		y := x[0]
		if y <= 0 {
			return p.outside()
		}
		u := math.Log(y)
		z := (u - x[1]) / x[2]
		f := locationScale(p, 1, order, shape{-z*z/2 - logSqrt2Pi, -z, -1}, z, x[2]) - u
		// From derivatives along log y to those along y.
		if order > 1 {
			p.h[0][0] = (p.h[0][0] - p.g[0] + 1) / (y * y)
			p.h[0][1] /= y
			p.h[0][2] /= y
		}
		if order > 0 {
			p.g[0] = (p.g[0] - 1) / y
		}
		return f
	},
})

// StudentTLogProb returns Σ log t(y | nu, mu, sigma) with nu > 0 degrees of freedom and
// sigma > 0 the scale (the standard deviation is sigma·√(nu/(nu−2))), with z = (y−mu)/sigma:
//
//	Σ log Γ((nu+1)/2) − log Γ(nu/2) − ½ log(nu·π) − log sigma − (nu+1)/2·log(1 + z²/nu).
func StudentTLogProb(y, nu, mu, sigma any) Node { return studentTDensity.at(y, nu, mu, sigma) }

var studentTDensity = newDensity(density{
	name:    "StudentTLogProb",
	params:  [4]string{"y", "nu", "mu", "sigma"},
	support: [4]support{1: positive, 3: positive},
	term: func(x *[4]float64, p *partials, order int) float64 {
		nu := x[1]
		if !(nu > 0) {
			return math.NaN()
		}
		z := (x[0] - x[2]) / x[3]
		zz := z * z
		q := 1 / (nu + zz)
		log1p := math.Log1p(zz / nu)
		s := shape{studentTConst(nu) - (nu+1)/2*log1p, -(nu + 1) * z * q, -(nu + 1) * (nu - zz) * q * q}
		f := locationScale(p, 2, order, s, z, x[3])
		if order > 0 && p.need[1] {
			p.g[1] = studentTSlope(nu) + ((nu+1)*zz*q/nu-log1p)/2
		}
		if order > 1 && p.need[1] {
			c := z * (1 - zz) * q * q // ∂²h/∂z∂ν
			w := 1 / x[3]
			p.h[0][1], p.h[1][2], p.h[1][3] = c*w, -c*w, -z*c*w
			p.h[1][1] = special.TrigammaDelta(nu/2, 0.5)/4 + 1/(2*nu*nu) + zz*q/nu + (nu+1)/2*(q*q-1/(nu*nu))
		}
		return f
	},
	loop: studentTLoop,
})

// studentTConst is log Γ((ν+1)/2) − log Γ(ν/2) − ½ log(νπ), studentTSlope its derivative.
func studentTConst(nu float64) float64 {
	return special.LgammaDelta(nu/2, 0.5) - math.Log(nu*math.Pi)/2
}

func studentTSlope(nu float64) float64 { return (special.DigammaDelta(nu/2, 0.5) - 1/nu) / 2 }

// studentTLoop has one ν and one scale.
func studentTLoop(d *densityArgs, order int) (float64, bool) {
	nu, sigma := d.x[1][0], d.x[3][0]
	if d.step[1] != 0 || d.step[3] != 0 || !(nu > 0) || !(sigma > 0) {
		return 0, false
	}
	w := 1 / sigma
	sy, sm := d.step[0], d.step[2]
	y, mu, gy, gm := d.x[0], d.x[2], d.g[0], d.g[2]
	n, c := float64(d.n), 1/nu
	logs, share := 0.0, 0.0 // Σ log(1+z²/ν), Σ z²/(ν+z²)
	for lo := 0; lo < d.n; lo += block {
		hi := min(lo+block, d.n)
		b := d.buf[:hi-lo]
		for k := range b {
			z := (y[(lo+k)*sy] - mu[(lo+k)*sm]) * w
			b[k] = z * z * c
			if order == 0 {
				continue
			}
			q := 1 / (1 + b[k])
			share += b[k] * q
			v := (nu + 1) * c * z * q * w
			if gy != nil {
				gy[(lo+k)*sy] -= v
			}
			if gm != nil {
				gm[(lo+k)*sm] += v
			}
		}
		logs += la.SumLog1p(b)
	}
	if g := d.g[1]; g != nil {
		g[0] += n*studentTSlope(nu) + ((nu+1)*c*share-logs)/2
	}
	if g := d.g[3]; g != nil {
		g[0] += ((nu+1)*share - n) * w
	}
	return n*(studentTConst(nu)-math.Log(sigma)) - (nu+1)/2*logs, true
}
