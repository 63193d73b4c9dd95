package expfam

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/internal/special"
)

// piece is an interval on which f(u) = η₀u + η₁u² falls from one end, at: with
// u = at + dir·s, f(u) = f(at) − steep·s + η₁s² for 0 ≤ s ≤ length, steep ≥ 0.
type piece struct {
	at, dir, length, steep float64
	offset                 float64 // f(at) less its largest value on all pieces
	mass                   float64 // ∫ exp(f − that value)
}

// pieces splits [lo, hi], one of them finite if η₁ ≥ 0, where f has an extreme
// point and returns how many there are; pieces[0] has the largest value of f.
func splitPieces(p *[2]piece, e0, e1, lo, hi float64) int {
	down := func(at, length float64) piece { // to the right of at
		return piece{at: at, dir: 1, length: length, steep: max(0, -(e0 + 2*e1*at))}
	}
	up := func(at, length float64) piece { // to the left of at
		return piece{at: at, dir: -1, length: length, steep: max(0, e0+2*e1*at)}
	}
	x := -e0 / (2 * e1)
	switch {
	case e1 < 0 && lo < x && x < hi:
		p[0] = piece{at: x, dir: -1, length: x - lo}
		p[1] = piece{at: x, dir: 1, length: hi - x}
		return 2
	case e1 > 0 && lo < x && x < hi:
		p[0], p[1] = down(lo, x-lo), up(hi, hi-x)
		if d := (hi - lo) * (e0 + e1*(lo+hi)); d > 0 {
			p[0], p[1] = p[1], p[0]
			p[1].offset = -d
		} else {
			p[1].offset = d
		}
		return 2
	case math.IsInf(hi, 1) || !math.IsInf(lo, -1) && e0+e1*(lo+hi) <= 0:
		p[0] = down(lo, hi-lo)
	default:
		p[0] = up(hi, hi-lo)
	}
	return 1
}

const (
	pieceDrop   = 50 // e^−50 times the fourth power of 50 is 1e-15
	piecePanels = 3
	pieceNodes  = 20 * piecePanels
)

// nodes writes the places u − from and weights exp(f(u) − f(peak))·du of p, up to
// where f has dropped by pieceDrop, and their sum to mass.
func (p *piece) nodes(e1, from float64, at, weight []float64) {
	end := p.length
	if q := p.steep*p.steep - 4*e1*pieceDrop; q > 0 {
		end = min(end, 2*pieceDrop/(p.steep+math.Sqrt(q)))
	}
	w := end / piecePanels
	shift := p.at - from
	p.mass = 0
	k := 0
	for i := range piecePanels {
		for _, n := range special.Gauss20() {
			s := w * (float64(i) + n[0])
			at[k] = shift + p.dir*s
			weight[k] = w * n[1] * math.Exp(p.offset-s*(p.steep-e1*s))
			p.mass += weight[k]
			k++
		}
	}
}

// set moves to η and computes the moments, about the peak and then about the
// mean.
func (t *truncatedLaw) set(e0, e1 float64) {
	t.eta = [2]float64{e0, e1}
	t.pieces = [2]piece{}
	t.n = splitPieces(&t.pieces, e0, e1, t.lo, t.hi)
	t.peak = t.pieces[0].at
	t.slopePeak = -t.pieces[0].dir * t.pieces[0].steep
	var at, weight [2 * pieceNodes]float64
	for i := range t.n {
		k := i * pieceNodes
		t.pieces[i].nodes(e1, t.peak, at[k:k+pieceNodes], weight[k:k+pieceNodes])
	}
	n := t.n * pieceNodes
	mass := t.pieces[0].mass + t.pieces[1].mass
	var mean, drop float64
	for k := range n {
		mean += weight[k] * at[k]
		drop += weight[k] * at[k] * (t.slopePeak + e1*at[k])
	}
	mean /= mass
	t.logMass = math.Log(mass)
	t.h = t.logMass - drop/mass
	t.mean = t.peak + mean
	var v, third float64
	for k := range n {
		c := at[k] - mean
		v += weight[k] * c * c
		third += weight[k] * c * c * c
	}
	t.v, t.skew = v/mass, third/v
	var rest float64
	for k := range n {
		c := at[k] - mean
		r := c*(c-t.skew) - t.v
		rest += weight[k] * r * r
	}
	t.rest = rest / mass
}

// path integrates T − m over the side of u on which the mean is not.
func (t *truncatedLaw) path(u float64) (d0, d1 float64) {
	lo, hi, sign := t.lo, u, -1.0
	if u > t.mean {
		lo, hi, sign = u, t.hi, 1
	}
	if !(hi > lo) {
		return 0, 0
	}
	e1 := t.eta[1]
	var p [2]piece
	var at, weight [pieceNodes]float64
	n := splitPieces(&p, t.eta[0], e1, lo, hi)
	// Heights are over that of u.
	d := p[0].at - u
	top := d * (t.eta[0] + 2*e1*u + e1*d)
	var i1, i2 float64
	for i := range n {
		p[i].offset += top
		p[i].nodes(e1, t.mean, at[:], weight[:])
		for k, c := range at {
			i1 += weight[k] * c
			i2 += weight[k] * (c*c - t.v)
		}
	}
	return sign * i1, sign * (i2 + 2*t.mean*i1)
}

// draw returns an s of density ∝ exp(−steep·s + η₁s²) on [0, length], by rejection
// from the half-normal part, the uniform, the exponential part, or, where f is
// convex, the exponential through both ends.
func (p *piece) draw(e1 float64, rng *rand.Rand) float64 {
	rate, bend := p.steep, e1
	sd := math.Inf(1)
	if e1 < 0 {
		sd = math.Sqrt(-0.5 / e1)
	} else {
		rate -= e1 * p.length
		bend = -e1
	}
	for {
		var s, log float64
		switch {
		case e1 < 0 && rate*sd < 1 && p.length > sd:
			s = sd * math.Abs(rng.NormFloat64())
			log = -rate * s
		case e1 < 0 && rate*sd < 1:
			s = p.length * rng.Float64()
			log = s * (e1*s - rate)
		case rate*p.length < 1e-8:
			s = p.length * rng.Float64()
			log = s * (e1*s - p.steep)
		default:
			s = -math.Log1p(rng.Float64()*math.Expm1(-rate*p.length)) / rate
			if log = bend * s * s; e1 >= 0 {
				log = bend * s * (p.length - s)
			}
		}
		if s <= p.length && (log >= 0 || rng.Float64() < math.Exp(log)) {
			return s
		}
	}
}

// SetExpectation minimises A(θ) − θ₁ over θ in units of the standard deviation
// from the mean, a convex function, by damped Newton steps.
func (t *truncatedLaw) SetExpectation(m []float64) error {
	if err := finite("", "SetExpectation", "m", m); err != nil {
		return err
	}
	square := m[0] * m[0]
	v := (m[1] - square) - math.FMA(m[0], m[0], -square)
	if !(m[0] > t.lo && m[0] < t.hi) {
		return &DomainError{Func: "SetExpectation", Param: "E[x]", Index: 0, Value: m[0], Want: fmt.Sprintf("between the bounds %v and %v", t.lo, t.hi)}
	}
	known := halfUlp(m[1]) + 2*math.Abs(m[0])*halfUlp(m[0]) + 2*unit*math.Abs(v)
	near, far := min(m[0]-t.lo, t.hi-m[0]), max(m[0]-t.lo, t.hi-m[0])
	if t.oneSided() { // an exponential has the largest variance, else two points
		far = near
	}
	if excess := v - near*far; excess >= 0 {
		if excess <= known+4*unit*near*far {
			return imprecise("", "precision", -1, 0, math.Inf(1))
		}
		return &DomainError{Func: "SetExpectation", Param: "E[x²]", Index: 1, Value: m[1], Want: "less than that of the most spread distribution of this mean"}
	}
	if !(v > 0) {
		if v >= -known {
			return imprecise("", "precision", -1, math.Inf(1), math.Inf(1))
		}
		return &DomainError{Func: "SetExpectation", Param: "E[x²]", Index: 1, Value: m[1], Want: "> E[x]² (Jensen's inequality)"}
	}
	sd := math.Sqrt(v)
	std := truncatedLaw{lo: (t.lo - m[0]) / sd, hi: (t.hi - m[0]) / sd}
	std.set(0, -0.5)
	if !std.standardise() {
		return imprecise("", "precision", -1, -2*std.eta[1]/v, math.Inf(1))
	}
	next := truncatedLaw{lo: t.lo, hi: t.hi}
	eta := [2]float64{std.eta[0]/sd - 2*std.eta[1]*m[0]/v, std.eta[1] / v}
	if err := next.CheckNatural(eta[:]); err != nil {
		return err
	}
	next.set(eta[0], eta[1])
	if relErr := next.rounding(m); relErr > inversePrecision {
		return imprecise("", "precision", -1, -2*eta[1], relErr)
	}
	*t = next
	return nil
}

// standardise moves η to mean 0 and variance 1 and reports whether it is there.
func (t *truncatedLaw) standardise() bool {
	for range 100 {
		r0, r1 := -t.mean, 1-(t.v+t.mean*t.mean)
		s0, s1 := t.solve(r0, r1)
		k := 2*t.mean + t.skew
		// A step over η₁ = 0, where that is the edge of the domain, is cut to nine
		// tenths of the way, with the best η₀ for it.
		cut := t.oneSided() && s1 > -0.9*t.eta[1]
		if cut {
			s1 = -0.9 * t.eta[1]
			s0 = r0/t.v - k*s1
		}
		length := t.v*(s0+k*s1)*(s0+k*s1) + t.rest*s1*s1 // squared, by F
		rho := 1.0
		if length > 1e-4 {
			rho = 1 / (1 + math.Sqrt(length))
		}
		next := truncatedLaw{lo: t.lo, hi: t.hi}
		value := t.LogPartition() - t.eta[1]
		for next.set(t.eta[0]+rho*s0, t.eta[1]+rho*s1); length > 1e-8 && !(next.LogPartition()-next.eta[1] < value); {
			if rho /= 2; rho < 1e-12 {
				return false
			}
			next.set(t.eta[0]+rho*s0, t.eta[1]+rho*s1)
		}
		*t = next
		if length < 1e-20 && !cut { // the next step would be of its square
			return true
		}
	}
	return false
}

// rounding returns how far the rounding of m can move η, relative as in Dist.
func (t *truncatedLaw) rounding(m []float64) float64 {
	k := 2*t.mean + t.skew
	d0, d1 := halfUlp(m[0])+unit*math.Abs(m[0])/2, halfUlp(m[1])+unit*math.Abs(m[1])/2
	sd1 := math.Sqrt(t.v*k*k + t.rest) // of u²
	e0 := (1/t.v+k*k/t.rest)*d0 + math.Abs(k)/t.rest*d1
	e1 := math.Abs(k)/t.rest*d0 + d1/t.rest
	return max(e0/max(math.Abs(t.eta[0]), 1/math.Sqrt(t.v)), e1/max(math.Abs(t.eta[1]), 1/sd1))
}
