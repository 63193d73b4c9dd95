package expfam

import (
	"math"

	"github.com/natgrad/natgrad/internal/special"
)

// fitMean moves c to E[log|W|] = l, E[W] = M with svec(M) = v. The dof solves
//
//	s(a) = Σ_j [log a − ψ(a − j/2)] = log|M| − l,   a = ν/2,
//
// by Newton's method on log s as a function of log(a − (d−1)/2), which is close
// to a straight line of slope −1 at both ends. Afterwards c.b is B = νM⁻¹, c.w
// how much a rounding of v can move M and c.u how much that can move B at a
// fixed ν; c.logDet is undefined.
//
// It returns the relative error that a rounding of l and v can cause in
// a − (d−1)/2, and thereby in ν, and errs if that or the error it can cause in
// B is too large.
func (c *wishartCore) fitMean(family string, l float64, v []float64) (relErr float64, err error) {
	const fn = "SetExpectation"
	d := c.dim
	unpackSvec(c.b, v, d)
	c.nu = float64(d) // any proper value: factor is used for log|M| here
	if !c.factor() {
		if k, p := badPivot(c.b, d); k >= 0 {
			return 0, notPosDef(family, fn, "mean", k, p)
		}
		return 0, c.refusal(family, fn)
	}
	// s = log|M| − l, with the large parts of the logarithms taken first.
	var hi, lo float64
	for i := range d {
		u := c.u[i*d+i]
		h, r := splitLog(u)
		hi += 2 * h
		lo += 2 * r
	}
	s := (hi - l) + lo
	// c.b becomes M⁻¹; u and w hold the factors of M.
	for i := range d {
		for j := i; j < d; j++ {
			x := c.v(i, j)
			c.scratch[i*d+j], c.scratch[j*d+i] = x, x
		}
	}
	copy(c.b, c.scratch)
	roundedMean(c.w, v, d)
	var det float64 // Σ_ij |M⁻¹|_ij E_ij
	for i, e := range c.w {
		det += math.Abs(c.b[i]) * e
	}
	known := halfUlp(l) + det + unit*(1+2*math.Abs(s))
	if !(s > 0) {
		if s >= -known {
			return 0, imprecise(family, "dof", -1, math.Inf(1), math.Inf(1))
		}
		return 0, &DomainError{family, fn, "E[log det] − log det E", -1, -s, "< 0"}
	}
	x, half := math.Log(float64(d)/s), 0.5*float64(d-1)
	converged := false
	for range 100 {
		e := math.Exp(x)
		f, df := wishartGap(d, e+half)
		step := math.Log(f/s) * f / (e * df)
		step = max(-3, min(3, step))
		x -= step
		if math.Abs(step) <= 1e-12 { // convergence is quadratic: the next step is rounding
			converged = true
			relErr = known / -(e * df)
			break
		}
	}
	e := math.Exp(x)
	c.nu = 2*e + float64(d-1)
	if !converged || !(c.nu > float64(d-1)) || math.IsInf(c.nu, 0) {
		return 0, &DomainError{family, fn, "dof", -1, c.nu, "a dof > d−1 to which the inverse converges"}
	}
	relErr += 8 * unit
	if err := imprecise(family, "dof", -1, c.nu, relErr); err != nil {
		return 0, err
	}
	absMul(c.scratch, c.b, c.w, d) // |M⁻¹| E |M⁻¹|
	absMul(c.u, c.scratch, c.b, d)
	for k := range c.b {
		c.b[k] *= c.nu
		c.u[k] *= c.nu
	}
	// dν/ν is at most the error of a − (d−1)/2.
	for i := range d {
		for j := i; j < d; j++ {
			b := c.b[i*d+j]
			off := relErr*math.Abs(b) + c.u[i*d+j]
			if err := imprecise(family, "inverse scale", svecIndex(d, i, j), b, off/max(math.Abs(b), inverseSd(c.nu, v, d, i, j))); err != nil {
				return 0, err
			}
		}
	}
	return relErr, nil
}

// svecIndex returns the place of M_ij, i <= j, in svec(M).
func svecIndex(d, i, j int) int { return i*d - i*(i-1)/2 + j - i }

// inverseSd returns 1/sd(W_ij) = √(ν/(M_ij² + M_iiM_jj)), i <= j, the natural
// unit of B_ij.
func inverseSd(nu float64, v []float64, d, i, j int) float64 {
	ii, jj := math.Sqrt(v[svecIndex(d, i, i)]), math.Sqrt(v[svecIndex(d, j, j)])
	mij := v[svecIndex(d, i, j)]
	if i != j {
		mij /= math.Sqrt2
	}
	return math.Sqrt(nu) / math.Hypot(mij, ii*jj)
}

// roundedMean writes E, how much M may differ from what was meant, for
// svec(M) = v: half a unit in the last place of an entry of v and the backward
// error of a Cholesky factorisation, d·2⁻⁵³·√(M_iiM_jj) and a rounding of the
// root (Higham 2002, Accuracy and Stability of Numerical Algorithms, theorem
// 10.3).
func roundedMean(e, v []float64, d int) {
	for i := range d {
		ii := math.Sqrt(v[svecIndex(d, i, i)])
		for j := i; j < d; j++ {
			x := halfUlp(v[svecIndex(d, i, j)])
			if i != j {
				x /= math.Sqrt2
			}
			x += float64(d+1) * unit * (ii * math.Sqrt(v[svecIndex(d, j, j)]))
			e[i*d+j], e[j*d+i] = x, x
		}
	}
}

// absMul writes |A||B| to dst; B is symmetric.
func absMul(dst, a, b []float64, d int) {
	for i := range d {
		for j := range d {
			var s float64
			for k := range d {
				s += math.Abs(a[i*d+k] * b[j*d+k])
			}
			dst[i*d+j] = s
		}
	}
}

// wishartGap returns s(a) = Σ_j [log a − ψ(a − j/2)], every term positive, and
// its derivative.
func wishartGap(d int, a float64) (s, ds float64) {
	for j := range d {
		h := 0.5 * float64(j)
		b := a - h
		s += special.LogMinusDigamma(b) - math.Log1p(-h/a)
		ds -= special.TrigammaMinusInv(b) + h/(a*b)
	}
	return s, ds
}
