package vadam

import "fmt"

// Method is an estimate of the curvature and a step on the state (μ, s, m). In
// the formulas g is the minibatch mean of the gradients of −log p(y_i|x_i, w) at
// the perturbed weights, averaged over the draws, N is [Settings].ESS,
// d = λ/N the prior precision per datum, P = N(s + d) the posterior precision,
// α the rate, ρ = 1 − Beta2, β = Beta1, ĉ₁ = 1 − βᵗ and ĉ₂ = 1 − (1−ρ)ᵗ Adam's
// corrections. Unset fields of Settings take the defaults given here.
type Method int

const (
	// IVON is the improved variational online Newton method (Shen et al. 2024): one backward pass a draw, and variances that are right, because
	// E[g ε/σ] is the diagonal of the Hessian (Stein's identity).
	//
	//	f = P·mean(σε·g)
	//	m ← βm + (1−β)g
	//	s ← s + ρ(f−s) + ½ρ²(f−s)²/(s+d)         which keeps s+d above its half
	//	μ ← μ − α'·clip((m/ĉ₁ + dμ)/(s+d))        the new s; α' = α(s₀+d)
	//
	// Rate 0.1, Beta1 0.9, Beta2 0.99999, PriorPrec 1, InitCurvature 1 (s₀, the
	// paper's h₀). It wants ρ × steps of a few at least, or s stays at s₀. The
	// method to begin with.
	IVON Method = iota
	// Vadam is variational Adam (Khan et al. 2018, section 3), Adam with
	// perturbed weights and the prior in place of Adam's epsilon:
	//
	//	m ← βm + (1−β)(g + dμ)
	//	s ← s + ρ(g²−s)                           averaged over draws after squaring
	//	μ ← μ − α (m/ĉ₁)/(√(s/ĉ₂) + d)
	//
	// Rate 0.001, Beta1 0.9, Beta2 0.999, PriorPrec 1, InitCurvature 0. The square
	// of a minibatch mean is about M times too small (Khan et al. 2018, section
	// 3), so that the standard deviations grow with the batch size M, up to √M
	// times too wide: take it for its cost and its exploration, not for its variances.
	Vadam
	// Vprop is variational RMSprop (Khan et al. 2018, section 3): Vadam without
	// momentum and corrections.
	//
	//	s ← s + ρ(g²−s),   μ ← μ − α (g + dμ)/(√s + d)
	//
	// Rate 0.001, Beta2 0.999, PriorPrec 1, InitCurvature 0.
	Vprop
	// VOGN is the variational online Gauss–Newton method (Khan et al. 2018,
	// section 3). The curvature is the mean of squared per-example gradients:
	//
	//	m ← βm + (1−β)(g + dμ)
	//	s ← s + ρ(mean g_i² − s)
	//	μ ← μ − α (m/ĉ₁)/(s + d)                  the new s
	//
	// It needs Objective.GradSq. Rate 0.001, Beta1 0 (the paper's form; 0.9 gives that
	// of its figure 2), Beta2 0.999, PriorPrec 1, InitCurvature 1. Variances are a
	// little conservative, at any batch size.
	VOGN
	// MomentumVOGN is VOGN with temperature T and damping δ (Osawa et al. 2019,
	// as used for comparison by Shen et al. 2024); with A = s + d:
	//
	//	m ← βm + (1−β)(g + dμ)
	//	μ ← μ − α m/A                             the old A
	//	A ← (1−ρT)A + ρ(mean g_i² + d + δ)
	//
	// whose fixed point (mean g_i² + d + δ)/T makes T < 1 a colder posterior. It needs
	// Objective.GradSq. Rate 0.001, Beta1 0.9, Beta2 1 − Rate, PriorPrec 1,
	// Temperature 1, InitCurvature 1.
	MomentumVOGN
	// VON is the variational online Newton method (Khan et al. 2018, section 3),
	// VOGN with the diagonal of the Hessian, or of the generalised Gauss–Newton
	// matrix, that Objective.GradHess gives. With Rate = 1 − Beta2 and β = 0 a step is
	// the natural-gradient step of that size (Khan and Rue 2023). A Hessian may be
	// negative; a step to a precision that is not positive is an error. Defaults as VOGN.
	VON
	// VadaGrad is variational AdaGrad, for minimising E_q[f(w)] with no prior and
	// no data set (Khan et al. 2018): s is the precision itself, only grows,
	// and the noise dies out.
	//
	//	s ← s + ρg²,   μ ← μ − α g/√s
	//
	// Rate 0.01, Beta2 0.99, InitPrec 1e4. N and the prior must be unset.
	VadaGrad
	// VadamVO is Vadam for minimising E_q[f(w)] (Khan et al. 2018, the reinforcement
	// learning study), with sd 1/√(s + λ + c), c = MinPrec:
	//
	//	m ← βm + (1−β)(g + λμ)
	//	s ← s + ρ(g²−s)
	//	μ ← μ − α (√ĉ₂/ĉ₁) m/(√s + λ)
	//
	// Rate 1e-4, Beta1 0.9, Beta2 0.999, PriorPrec 1e-8, MinPrec 1e4,
	// InitCurvature 0. N must be unset.
	VadamVO
	// VadamSum is Vadam on the scale of sums over the data, S = Ns, the form behind
	// figure 2 of Khan et al. (2018): a damping √N times that of Vadam, and
	// corrected precisions.
	//
	//	m ← βm + (1−β)(g + dμ)
	//	s ← s + ρ(g²−s)                           the mean over draws squared
	//	P = Ns/ĉ₂ + λ
	//	μ ← μ − α N(m/ĉ₁)/(√(Ns/ĉ₂) + λ)
	//
	// Before the first step P is Ns₀. Rate 0.01, Beta1 0.9, Beta2 0.99, PriorPrec 1,
	// InitPrec = λ. The sum-scale VOGN is VOGN with Beta1 0.9.
	VadamSum
	// Adam is Adam (Kingma and Ba 2015) on the mean negative log-likelihood plus
	// dμ²/2, whose optimum is the posterior mode: no noise, a baseline and the member of
	// an ensemble. With g' = g + dμ:
	//
	//	m ← βm + (1−β)g',   s ← s + ρ(g'²−s),   μ ← μ − α (m/ĉ₁)/(√(s/ĉ₂) + ε)
	//
	// Rate 0.001, Beta1 0.9, Beta2 0.999, PriorPrec 1, Epsilon 1e-8.
	Adam
	numMethods
)

// curvature is what a method averages in s.
type curvature int

const (
	squaredGrad   curvature = iota // mean over draws of (minibatch mean)²
	squaredMean                    // (mean over draws of the minibatch mean)²
	exampleSquare                  // mean over draws of Objective.GradSq
	hessian                        // mean over draws of Objective.GradHess
	price                          // mean over draws of σε·g
	none                           // Adam squares g + dμ itself
)

// field is a field of Settings that not every method uses.
type field uint

const (
	useN field = 1 << iota // and ESS
	useBeta1
	usePrior
	useInitCurvature
	useTemperature
	useDamping
	useMinPrec
	useClip // and the other fields that only IVON has
	useEpsilon
	useDebias
	useCorrect
	useNoise
)

// method is what tells the methods apart: an estimate of the curvature, a step
// (see core.coefficients and core.move), and defaults.
type method struct {
	name    string
	curv    curvature
	uses    field
	rate    float64
	beta1   float64
	beta2   float64 // NaN: 1 − Rate
	prior   float64
	initial float64 // s₀
	minPrec float64
}

const data = useN | usePrior | useInitCurvature | useNoise

var methods = [numMethods]method{
	IVON:         {"IVON", price, data | useBeta1 | useClip | useDebias, 0.1, 0.9, 0.99999, 1, 1, 0},
	Vadam:        {"Vadam", squaredGrad, data | useBeta1 | useDebias | useCorrect, 1e-3, 0.9, 0.999, 1, 0, 0},
	Vprop:        {"Vprop", squaredGrad, data, 1e-3, 0, 0.999, 1, 0, 0},
	VOGN:         {"VOGN", exampleSquare, data | useBeta1 | useDebias, 1e-3, 0, 0.999, 1, 1, 0},
	MomentumVOGN: {"MomentumVOGN", exampleSquare, data | useBeta1 | useTemperature | useDamping, 1e-3, 0.9, nan, 1, 1, 0},
	VON:          {"VON", hessian, data | useBeta1 | useDebias, 1e-3, 0, 0.999, 1, 1, 0},
	VadaGrad:     {"VadaGrad", squaredGrad, useNoise | useInitCurvature, 0.01, 0, 0.99, 0, 1e4, 0},
	VadamVO:      {"VadamVO", squaredGrad, usePrior | useInitCurvature | useNoise | useBeta1 | useMinPrec, 1e-4, 0.9, 0.999, 1e-8, 0, 1e4},
	VadamSum:     {"VadamSum", squaredMean, data | useBeta1, 0.01, 0.9, 0.99, 1, nan, 0},
	Adam:         {"Adam", none, useN | usePrior | useBeta1 | useEpsilon, 1e-3, 0.9, 0.999, 1, 0, 0},
}

// String returns the name of the method.
func (m Method) String() string {
	if m < 0 || m >= numMethods {
		return fmt.Sprintf("Method(%d)", int(m))
	}
	return methods[m].name
}
