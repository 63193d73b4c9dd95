package autodiff

import (
	"math"

	"github.com/natgrad/natgrad/internal/la"
	"github.com/natgrad/natgrad/internal/special"
)

const logSqrt2Pi = 0.91893853320467274178032973640561764

// NormalLogProb returns Σ log N(y | mu, sigma²) with sigma > 0 the standard deviation:
//
//	Σ −½((y−mu)/sigma)² − log sigma − ½ log 2π.
func NormalLogProb(y, mu, sigma any) Node { return normalDensity.at(y, mu, sigma) }

var normalDensity = newDensity(density{
	name:   "NormalLogProb",
	params: [4]string{"y", "mu", "sigma"},
	term: func(x *[4]float64, p *partials, order int) float64 {
		w := 1 / x[2]
		z := (x[0] - x[1]) * w
		if order > 0 {
			p.g = [4]float64{-z * w, z * w, (z*z - 1) * w}
		}
		if order > 1 {
			ww := w * w
			p.h[0][0], p.h[0][1], p.h[1][1] = -ww, ww, -ww
			p.h[0][2], p.h[1][2] = 2*z*ww, -2*z*ww
			p.h[2][2] = (1 - 3*z*z) * ww
		}
		return -z*z/2 - math.Log(x[2]) - logSqrt2Pi
	},
	loop: normalLoop,
})

// normalLoop has one standard deviation for all.
func normalLoop(d *densityArgs, order int) (float64, bool) {
	if d.step[2] != 0 {
		return 0, false
	}
	sigma := d.x[2][0]
	w := 1 / sigma
	sy, sm := d.step[0], d.step[1]
	y, mu := d.x[0], d.x[1]
	ss := 0.0
	gy, gm := d.g[0], d.g[1]
	if order == 0 || gy == nil && gm == nil {
		for i := range d.n {
			z := (y[i*sy] - mu[i*sm]) * w
			ss += z * z
		}
	} else {
		for i := range d.n {
			z := (y[i*sy] - mu[i*sm]) * w
			ss += z * z
			if gy != nil {
				gy[i*sy] -= z * w
			}
			if gm != nil {
				gm[i*sm] += z * w
			}
		}
	}
	n := float64(d.n)
	if g := d.g[2]; g != nil && order > 0 {
		g[0] += (ss - n) * w
	}
	return -ss/2 - n*(math.Log(sigma)+logSqrt2Pi), true
}

// BernoulliLogitLogProb returns Σ log p(y | logit p = eta) for y of zeros and ones:
//
//	Σ y·eta − log(1 + e^eta).
func BernoulliLogitLogProb(y, eta any) Node {
	return bernoulliLogitDensity.at(y, eta)
}

var bernoulliLogitDensity = newDensity(density{
	name:   "BernoulliLogitLogProb",
	params: [4]string{"y", "eta"},
	term: func(x *[4]float64, p *partials, order int) float64 {
		y, eta := x[0], x[1]
		if order > 0 {
			s := special.Sigmoid(eta)
			p.g[0], p.g[1] = eta, y-s
			p.h[0][1], p.h[1][1] = 1, -s*special.Sigmoid(-eta)
		}
		return y*eta - special.Log1pExp(eta)
	},
	loop: func(d *densityArgs, order int) (float64, bool) {
		y, eta, g := d.x[0], d.x[1], d.g[1]
		if d.g[0] != nil || d.step[0] == 0 || d.step[1] == 0 {
			return 0, false
		}
		// Blocks that stay in the first-level cache.
		var soft [256]float64
		s := 0.0
		for lo := 0; lo < d.n; lo += len(soft) {
			hi := min(lo+len(soft), d.n)
			if g == nil {
				la.Logistic(nil, soft[:hi-lo], eta[lo:hi])
				for i := lo; i < hi; i++ {
					s += y[i]*eta[i] - soft[i-lo]
				}
				continue
			}
			la.Logistic(g[lo:hi], soft[:hi-lo], eta[lo:hi])
			for i := lo; i < hi; i++ {
				s += y[i]*eta[i] - soft[i-lo]
				g[i] = y[i] - g[i]
			}
		}
		return s, true
	},
})
