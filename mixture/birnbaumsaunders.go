package mixture

import (
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/expfam"
)

// BirnbaumSaunders is a product of Birnbaum–Saunders (fatigue life)
// distributions of shapes α_i > 0 and scales β_i > 0, the medians: a posterior for
// positive parameters. With ε standard normal and h = αε/2,
//
//	x = β (h + √(1+h²))²,
//	q(x) = Π_i (√(x_i/β_i) + √(β_i/x_i))/(2α_i x_i) φ((√(x_i/β_i) − √(β_i/x_i))/α_i).
//
// Each coordinate is the half-and-half mixture of an inverse Gaussian distribution of
// mean β and shape β/α² and of that with its density times x/β, a minimal
// conditional exponential family with T = (x, 1/x) (Lin, Khan and Schmidt 2019). The
// state is its natural parameter
//
//	λ = (−1/(2α²β), −β/(2α²)),   m = (β(1+α²/2), (1+α²/2)/β),
//
// all λ₁ first, then all λ₂; a step adds the gradient in m. The entropy has no closed form:
// it enters through the gradient of log q at the draws.
//
// The zero value is usable only as a receiver of UnmarshalBinary.
type BirnbaumSaunders struct{ pairs }

func birnbaumSaundersPairs(dim int) pairs {
	return newPairs("birnbaum-saunders", [2]string{"lambda1", "lambda2"}, -1, dim)
}

// NewBirnbaumSaunders returns independent Birnbaum–Saunders distributions,
// coordinate i of shape[i] and scale[i] (in units of x_i). It panics unless the
// lengths are equal, and errs unless there is a coordinate and every entry, −λ₁ and
// −λ₂ lies between 1e-100 and 1e100.
func NewBirnbaumSaunders(shape, scale []float64) (*BirnbaumSaunders, error) {
	if err := positiveArgs("birnbaum-saunders", "shape", "scale", shape, scale); err != nil {
		return nil, err
	}
	q := &BirnbaumSaunders{birnbaumSaundersPairs(len(shape))}
	l1, l2 := q.halves(q.next)
	for i, a := range shape {
		l1[i], l2[i] = -0.5/(a*a*scale[i]), -0.5*scale[i]/(a*a)
	}
	if err := q.set("New", q.next); err != nil {
		return nil, err
	}
	return q, nil
}

// at returns α² and β of coordinate i.
func (q *BirnbaumSaunders) at(i int) (alpha2, beta float64) {
	r1, r2 := math.Sqrt(-q.eta[i]), math.Sqrt(-q.eta[q.dim+i])
	return 0.5 / (r1 * r2), r2 / r1
}

// Dim returns the number of coordinates D.
func (q *BirnbaumSaunders) Dim() int { return q.dim }

// NumParams returns 2D.
func (q *BirnbaumSaunders) NumParams() int { return 2 * q.dim }

// Natural writes λ to dst.
func (q *BirnbaumSaunders) Natural(dst []float64) []float64 { return q.natural(dst) }

// SetNatural moves to λ. It errs, with the receiver unchanged, unless every entry
// lies between −1e100 and −1e-100.
func (q *BirnbaumSaunders) SetNatural(eta []float64) error { return q.set("SetNatural", eta) }

// Shape writes the shapes α = (4λ₁λ₂)^−¼ to dst.
func (q *BirnbaumSaunders) Shape(dst []float64) []float64 {
	dst = q.sized("Shape", dst, q.dim)
	for i := range dst {
		alpha2, _ := q.at(i)
		dst[i] = math.Sqrt(alpha2)
	}
	return dst
}

// Scale writes the scales β = (λ₂/λ₁)^½, which are the medians, to dst.
func (q *BirnbaumSaunders) Scale(dst []float64) []float64 {
	dst = q.sized("Scale", dst, q.dim)
	for i := range dst {
		_, dst[i] = q.at(i)
	}
	return dst
}

// Expectation writes m = (E[x], E[1/x]) = (β(1+α²/2), (1+α²/2)/β) to dst, in the
// order of the state.
func (q *BirnbaumSaunders) Expectation(dst []float64) []float64 {
	dst = q.sized("Expectation", dst, 2*q.dim)
	for i := range q.dim {
		alpha2, beta := q.at(i)
		dst[i], dst[q.dim+i] = beta*(1+alpha2/2), (1+alpha2/2)/beta
	}
	return dst
}

// Mean writes E[x] = β(1 + α²/2) to dst.
func (q *BirnbaumSaunders) Mean(dst []float64) []float64 {
	dst = q.sized("Mean", dst, q.dim)
	for i := range dst {
		alpha2, beta := q.at(i)
		dst[i] = beta * (1 + alpha2/2)
	}
	return dst
}

// Sd writes the standard deviations αβ√(1 + 5α²/4) to dst.
func (q *BirnbaumSaunders) Sd(dst []float64) []float64 {
	dst = q.sized("Sd", dst, q.dim)
	for i := range dst {
		alpha2, beta := q.at(i)
		dst[i] = beta * math.Sqrt(alpha2*(1+1.25*alpha2))
	}
	return dst
}

// LogProb returns log q(x), −Inf outside the support.
func (q *BirnbaumSaunders) LogProb(x []float64) float64 {
	q.checkLen("LogProb", "x", x, q.dim)
	var s float64
	for i, z := range x {
		if !(z > 0) || math.IsInf(z, 1) {
			return math.Inf(-1)
		}
		alpha2, beta := q.at(i)
		r := math.Sqrt(z / beta)
		e := r - 1/r
		s += math.Log((r+1/r)/(2*z)) - 0.5*(math.Log(2*math.Pi*alpha2)+e*e/alpha2)
	}
	return s
}

// Sample writes a draw to dst. What underflows is returned as 1e-300.
func (q *BirnbaumSaunders) Sample(dst []float64, rng *rand.Rand) []float64 {
	dst = q.sized("Sample", dst, q.dim)
	for i := range dst {
		dst[i] = rng.NormFloat64()
	}
	return q.Transform(dst, dst)
}

// Transform writes x_i = β_i(h_i + √(1+h_i²))², h = αε/2, to dst: a draw of the
// receiver, if ε is standard normal. dst may be eps.
func (q *BirnbaumSaunders) Transform(dst, eps []float64) []float64 {
	q.checkLen("Transform", "eps", eps, q.dim)
	dst = q.sized("Transform", dst, q.dim)
	for i, e := range eps {
		alpha2, beta := q.at(i)
		h := math.Abs(e) * math.Sqrt(alpha2) / 2
		r := h + math.Sqrt(1+h*h)
		if e < 0 { // the product of the two roots is 1: no cancellation
			r = 1 / r
		}
		dst[i] = clampDraw(beta * r * r)
	}
	return dst
}

// Mirror writes β_i²/x_i to dst, the draw of the opposite ε. dst may be x.
func (q *BirnbaumSaunders) Mirror(dst, x []float64) []float64 {
	q.checkLen("Mirror", "x", x, q.dim)
	dst = q.sized("Mirror", dst, q.dim)
	for i, z := range x {
		_, beta := q.at(i)
		dst[i] = clampDraw(beta / z * beta)
	}
	return dst
}

// Tangent adds w times the gradient of the ELBO in m that the draw d shows,
// entropy included, to dst: with the path x(α, β; ε), r = x/β and
// G = ∇log p(x) − ∇log q(x),
//
//	g_α = G·(2x/α)(r−1)/(r+1),   g_β = G·r,
//	∇_m = ½(g_α/α ± βg_β/(1+α²/2))·(1/β, β),
//
// the solution of J'∇_m = (g_α, g_β) with J = ∂m/∂(α, β). Calls with different dst
// may run at the same time; none allocates.
func (q *BirnbaumSaunders) Tangent(dst []float64, d *expfam.Draw, w float64) {
	q.checkLen("Tangent", "dst", dst, 2*q.dim)
	q.checkLen("Tangent", "Draw.X", d.X, q.dim)
	q.checkLen("Tangent", "Draw.Grad", d.Grad, q.dim)
	d1, d2 := q.halves(dst)
	for i, z := range d.X {
		alpha2, beta := q.at(i)
		r := z / beta
		// x ∂log q/∂x = r/(r+1) − 3/2 − (r − 1/r)/(2α²)
		xg := z*d.Grad[i] - (r/(r+1) - 1.5 - (r-1/r)/(2*alpha2))
		a := xg * 2 * (r - 1) / (r + 1) / alpha2 // g_α/α
		b := xg / (1 + alpha2/2)                 // βg_β/(1+α²/2)
		d1[i] += 0.5 * w * (a + b) / beta
		d2[i] += 0.5 * w * (a - b) * beta
	}
}

// EntropyTangent returns false: the entropy enters through Tangent.
func (q *BirnbaumSaunders) EntropyTangent(dst []float64) (exact bool) {
	q.checkLen("EntropyTangent", "dst", dst, 2*q.dim)
	return false
}

// Entropy returns NaN: it has no closed form.
func (q *BirnbaumSaunders) Entropy() float64 { return math.NaN() }

// FisherMul writes F·v to dst, F = ∂m/∂λ the Fisher matrix of the joint
// distribution of x and its mixture component. dst may be v.
func (q *BirnbaumSaunders) FisherMul(dst, v []float64) []float64 {
	q.checkLen("FisherMul", "v", v, 2*q.dim)
	dst = q.sized("FisherMul", dst, 2*q.dim)
	for i := range q.dim {
		alpha2, beta := q.at(i)
		v1, v2 := v[i]/q.eta[i], v[q.dim+i]/q.eta[q.dim+i]
		a, b := -0.25*(v1+v2), 0.5*(v2-v1) // d log α and d log β
		dst[i] = beta * (alpha2*a + (1+alpha2/2)*b)
		dst[q.dim+i] = (alpha2*a - (1+alpha2/2)*b) / beta
	}
	return dst
}

// Retract moves λ to λ + ρ·tan, ρ halved, with the condition Shortened, until every
// entry is negative. It errs, with the receiver unchanged, if tan or rho is not
// finite or no step is admissible.
func (q *BirnbaumSaunders) Retract(tan []float64, rho float64) (expfam.Condition, error) {
	return q.retract(tan, rho, q.plain)
}

func (q *BirnbaumSaunders) plain(next, tan []float64, rho float64) {
	for i, l := range q.eta {
		next[i] = l + rho*tan[i]
	}
}

// MarshalBinary returns the bytes of the state.
func (q *BirnbaumSaunders) MarshalBinary() ([]byte, error) { return q.marshal(0), nil }

// UnmarshalBinary restores what MarshalBinary returned, bit for bit. The receiver
// has the saved dimension or is a zero value. On error it is unchanged.
func (q *BirnbaumSaunders) UnmarshalBinary(b []byte) error {
	p := q.pairs
	if p.dim == 0 {
		p = birnbaumSaundersPairs(0)
	}
	if _, err := p.unmarshal(b); err != nil {
		return err
	}
	q.pairs = p
	return nil
}
