package main

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// search maximises f over the unit cube of dim dimensions: first points at random or,
// spread, evenly from a random start (the additive recurrence of Roberts 2018), then
// points of largest expected improvement under a Gaussian process (Matérn 5/2, noise 1e-2 of the
// unit variance to which values are scaled; Snoek, Larochelle and Adams 2012). A
// value that is not finite counts as the worst seen.
func search(dim, first, total int, spread bool, rng *rand.Rand, f func(u []float64) (float64, error)) ([]float64, error) {
	var xs [][]float64
	var ys []float64
	scale, start := 0.3, make([]float64, dim)
	if spread {
		scale = 0.2
		for j := range start {
			start[j] = rng.Float64()
		}
	}
	for i := range total {
		u := make([]float64, dim)
		switch {
		case i < first && spread:
			for j := range u {
				_, u[j] = math.Modf(start[j] + float64(i)*math.Pow(golden(dim), -float64(j+1)))
			}
		case i < first:
			for j := range u {
				u[j] = rng.Float64()
			}
		default:
			u = propose(xs, ys, dim, scale, rng)
		}
		y, err := f(u)
		if err != nil {
			return nil, err
		}
		xs, ys = append(xs, u), append(ys, y)
	}
	best := 0
	for i, y := range ys {
		if y > ys[best] || !finite(ys[best]) {
			best = i
		}
	}
	return xs[best], nil
}

func finite(v float64) bool { return v-v == 0 }

// golden is the positive root of x^(d+1) = x + 1.
func golden(d int) float64 {
	x := 1.5
	for range 60 {
		x = math.Pow(1+x, 1/float64(d+1))
	}
	return x
}

const noiseGP = 1e-2

func matern(a, b []float64, scale float64) float64 {
	d := 0.0
	for i := range a {
		t := (a[i] - b[i]) / scale
		d += t * t
	}
	d = math.Sqrt(5 * d)
	return (1 + d + d*d/3) * math.Exp(-d)
}

// propose returns the best of many random points by expected improvement.
func propose(xs [][]float64, ys []float64, dim int, scale float64, rng *rand.Rand) []float64 {
	n := len(xs)
	worst, top := math.Inf(1), math.Inf(-1)
	for _, y := range ys {
		if finite(y) {
			worst, top = min(worst, y), max(top, y)
		}
	}
	// values far below the best say nothing about where it is: they are cut at
	// the median's distance below the median
	z := make([]float64, n)
	mean, sd := 0.0, 0.0
	cut := top - 3*(top-median(ys))
	for i, y := range ys {
		if !finite(y) {
			y = worst
		}
		z[i] = max(y, cut)
		mean += z[i] / float64(n)
	}
	for _, v := range z {
		sd += (v - mean) * (v - mean) / float64(n)
	}
	sd = math.Sqrt(sd) + 1e-12
	best := math.Inf(-1)
	for i := range z {
		z[i] = (z[i] - mean) / sd
		best = max(best, z[i])
	}
	k := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			v := matern(xs[i], xs[j], scale)
			if i == j {
				v += noiseGP
			}
			k.SetSym(i, j, v)
		}
	}
	var chol mat.Cholesky
	chol.Factorize(k) // noise on the diagonal: always positive definite
	alpha, v := mat.NewVecDense(n, nil), mat.NewVecDense(n, nil)
	chol.SolveVecTo(alpha, mat.NewVecDense(n, z))
	cov := mat.NewVecDense(n, nil)
	where := make([]float64, dim)
	for j := range where {
		where[j] = rng.Float64()
	}
	top = math.Inf(-1)
	for range 500 {
		u := make([]float64, dim)
		for j := range u {
			u[j] = rng.Float64()
		}
		for i, x := range xs {
			cov.SetVec(i, matern(u, x, scale))
		}
		chol.SolveVecTo(v, cov)
		m := mat.Dot(cov, alpha)
		s := math.Sqrt(max(1-mat.Dot(cov, v), 1e-12))
		t := (m - best) / s
		ei := s * (t*0.5*math.Erfc(-t/math.Sqrt2) + math.Exp(-0.5*t*t)/math.Sqrt(2*math.Pi))
		if ei > top {
			top, where = ei, u
		}
	}
	return where
}

func median(ys []float64) float64 {
	var s []float64
	for _, y := range ys {
		if finite(y) {
			s = append(s, y)
		}
	}
	if len(s) == 0 {
		return 0
	}
	for i := 1; i < len(s); i++ {
		for j := i; j > 0 && s[j] < s[j-1]; j-- {
			s[j], s[j-1] = s[j-1], s[j]
		}
	}
	return s[len(s)/2]
}
