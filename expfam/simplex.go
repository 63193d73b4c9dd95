package expfam

import (
	"fmt"
	"math"

	"github.com/natgrad/natgrad/internal/special"
)

// The functions of this file serve Dirichlet and its two-category form Beta:
// A(α) = Σ log Γ(α_i) − log Γ(α_0), α_0 = Σ α_i, with gradient
// m_i = ψ(α_i) − ψ(α_0). They are written so that nothing cancels when the
// concentrations are large or of very different size.

// others returns α_0 − α_i, summed anew where the difference would lose digits.
func others(alpha []float64, sum float64, i int) float64 {
	if alpha[i] <= sum/2 {
		return sum - alpha[i]
	}
	var s float64
	for j, a := range alpha {
		if j != i {
			s += a
		}
	}
	return s
}

func total(alpha []float64) float64 {
	var s float64
	for _, a := range alpha {
		s += a
	}
	return s
}

// simplexExpectation writes m_i = ψ(α_i) − ψ(α_0).
func simplexExpectation(dst, alpha []float64, sum float64) {
	for i, a := range alpha {
		dst[i] = -special.DigammaDelta(a, others(alpha, sum, i))
	}
}

// simplexFisher writes F·v with F_ii = ψ'(α_i) − ψ'(α_0) and F_ij = −ψ'(α_0);
// dst may be v.
func simplexFisher(dst, v, alpha []float64, sum float64) {
	q, s := special.Trigamma(sum), total(v)
	for i, a := range alpha {
		dst[i] = -special.TrigammaDelta(a, others(alpha, sum, i))*v[i] - q*(s-v[i])
	}
}

// simplexLogPartition returns log B(α) as a sum of log B of two arguments.
func simplexLogPartition(alpha []float64) float64 {
	var a, s float64
	for i, b := range alpha {
		if i > 0 {
			a += special.LogBeta(s, b)
		}
		s += b
	}
	return a
}

// simplexEntropy returns log B(α) + (α_0 − K) ψ(α_0) − Σ (α_i − 1) ψ(α_i),
// rearranged so that the terms of order α log α are gone.
func simplexEntropy(alpha []float64, sum float64) float64 {
	h := -special.ShapeEntropy(sum) - float64(len(alpha)-1)*special.Digamma(sum)
	for _, a := range alpha {
		h += special.ShapeEntropy(a)
	}
	return h
}

// simplexKL returns KL between concentrations a and b: the divergence of K
// gamma distributions less that of their sum. With the part of each at equal
// means split off, what is left is b_0 times KL of the two mean vectors, and
// neither part cancels when b is near a multiple of a.
func simplexKL(a, b []float64, sumA, sumB float64) float64 {
	kl := -special.ShapeKL(sumA, sumB)
	for i := range a {
		kl += special.ShapeKL(a[i], b[i])
		p := a[i] / sumA
		t := b[i]/sumB/p - 1 // q_i = p_i (1+t)
		kl += sumB * p * ((1+t)*special.Log1pmx(t) + t*t)
	}
	return max(kl, 0)
}

// simplexSolve writes to alpha the concentrations with expectation m. They
// exist, and are unique, if and only if Σ exp(m_i) < 1.
//
// A sum α_0 is found first: given it, α_i = ψ⁻¹(m_i + ψ(α_0)), and Newton's
// method in 1/α_0 solves log(Σ α_i / α_0) = 0, which is nearly linear there.
// Newton's method for all α, whose Hessian is diagonal plus rank one (Minka
// 2000, Estimating a Dirichlet distribution, section 1), then gets the last
// digits from residuals that do not cancel. Concentrations that m does not hold
// to inversePrecision are a *PrecisionError.
func simplexSolve(family string, alpha, m []float64) error {
	const fn = "SetExpectation"
	if err := finite(family, fn, "E[log x]", m); err != nil {
		return err
	}
	top := 0
	for i, v := range m {
		if v >= 0 {
			return &DomainError{Family: family, Func: fn, Param: "E[log x]", Index: i, Value: v, Want: "< 0"}
		}
		if v > m[top] {
			top = i
		}
	}
	gap := -math.Expm1(m[top])
	for i, v := range m {
		if i != top {
			gap -= math.Exp(v)
		}
	}
	if !(gap > 0) {
		if gap >= -2*unit*float64(len(m)) {
			return imprecise(family, "sum of concentrations", -1, math.Inf(1), math.Inf(1))
		}
		return &DomainError{Family: family, Func: fn, Param: "sum of exp E[log x]", Index: -1, Value: 1 - gap, Want: "< 1"}
	}

	w := gap / (float64(len(m)-1) / 2)
	for range 100 {
		s := 1 / w
		y := special.Digamma(s)
		var sum, slope float64
		for i, v := range m {
			alpha[i] = special.InvDigamma(v + y)
			sum += alpha[i]
			slope += 1 / special.Trigamma(alpha[i])
		}
		slope = slope*special.Trigamma(s)*s/sum - 1
		next := w + math.Log(sum/s)/(s*slope)
		if !(slope < 0) || math.IsNaN(next) {
			break // only rounding is left, at very large concentrations
		}
		next = min(max(next, w/10), 10*w)
		done := math.Abs(next-w) <= 1e-6*w
		if w = next; done {
			break
		}
	}

	r := make([]float64, len(m))
	best, worst := append([]float64(nil), alpha...), math.Inf(1)
	for range 60 {
		sum := total(alpha)
		simplexExpectation(r, alpha, sum)
		q0 := special.Trigamma(sum)
		var off, num, inv float64
		for i := range r {
			q := special.Trigamma(alpha[i])
			sd := math.Sqrt(-special.TrigammaDelta(alpha[i], others(alpha, sum, i)))
			r[i] -= m[i]
			off = max(off, math.Abs(r[i])/max(math.Abs(m[i]), sd))
			num += r[i] / q
			inv += 1 / q
		}
		if math.IsNaN(off) {
			break
		}
		if off < worst {
			copy(best, alpha)
			worst = off
		} else if worst < 1e-14 {
			break
		}
		den := 1 - q0*inv
		if !(den > 0) {
			den = float64(len(m)-1) / 2 / sum
		}
		d := -num / den // the change of α_0
		for i, a := range alpha {
			step := (q0*d - r[i]) / special.Trigamma(a) / a
			if math.Abs(step) < 0.5 {
				alpha[i] += step * a
			} else {
				alpha[i] *= math.Exp(min(max(step, -2), 2))
			}
		}
	}
	copy(alpha, best)
	return simplexPrecision(family, alpha, m, r)
}

// simplexPrecision returns an error if concentration i may differ from the
// exact inverse of m by a relative error of more than inversePrecision,
//
//	Σ_j |F⁻¹|_ij δ_j / α_i = [δ_i + (Σ_j δ_j/ψ'(α_j)) / d] / (α_i ψ'(α_i)),
//	d = 1/ψ'(α_0) − Σ_j 1/ψ'(α_j) = Σ_j g(α_j) − g(α_0),  g(x) = x − 1/ψ'(x),
//
// by the Sherman–Morrison formula; all entries of F⁻¹ are positive. δ_j is half
// a unit in the last place of m_j, the rounding errors of ∇A at alpha, and the
// residual that the solver left. r is overwritten.
func simplexPrecision(family string, alpha, m, r []float64) error {
	sum := total(alpha)
	simplexExpectation(r, alpha, sum)
	var push, held, den float64 // held leaves out the residual
	for i, a := range alpha {
		known := halfUlp(m[i]) + 3*unit*math.Abs(m[i])
		q := special.Trigamma(a)
		held += known / q
		r[i] = math.Abs(r[i]-m[i]) + known
		push += r[i] / q
		den += a * special.TrigammaMinusInv(a) / q
	}
	den -= sum * special.TrigammaMinusInv(sum) / special.Trigamma(sum)
	if !(den > 0) { // beyond what float64 tells apart
		return imprecise(family, "sum of concentrations", -1, sum, math.Inf(1))
	}
	worst, at, heldAt := 0.0, 0, 0.0
	for i, a := range alpha {
		aq := a * special.Trigamma(a)
		if relErr := (r[i] + push/den) / aq; !(relErr <= worst) {
			worst, at = relErr, i
			heldAt = (halfUlp(m[i]) + 3*unit*math.Abs(m[i]) + held/den) / aq
		}
	}
	err := imprecise(family, "concentration", at, alpha[at], worst+8*unit)
	if err != nil && 10*heldAt < inversePrecision {
		return fmt.Errorf("expfam: %s.SetExpectation: the concentrations did not converge (relative error %.1e, want %.0e) for m = %v", family, worst, inversePrecision, m)
	}
	return err
}

// checkConcentration checks η = α − 1.
func checkConcentration(family string, eta []float64) error {
	for i, e := range eta {
		if !inScale(e + 1) {
			return &DomainError{Family: family, Func: "SetNatural", Param: "concentration-1", Index: i, Value: e, Want: "> -1 (at most 1e150)"}
		}
	}
	return nil
}
