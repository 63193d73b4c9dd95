package vadam

import (
	"slices"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/nn"
)

// Optimizer moves a normal distribution with independent coordinates over the weights of
// a model by one of the methods of this package. It is driven step by step: by
// nn.Train or by any loop that can give gradients of a minibatch,
//
//	opt, err := vadam.New(mu, &vadam.Settings{N: rows})
//	err = opt.Step(&nn.Objective{Grad: func(grad, w []float64) (float64, error) { … }})
//	w := opt.Sample(nil, seed, 0)
//
// The weights at which the objective is called are scratch: the mean is never left
// perturbed. Step and the methods that read must not run at the same time; those
// that read may run together unless their comment says otherwise.
type Optimizer struct{ c core[float64] }

// New returns an optimiser that starts at the mean mu, with s unset fields taking
// the defaults of s.Method; a nil s lacks N. It errs with a *expfam.DomainError if
// mu or a setting is out of its range, if the posterior precision at the start
// would be less than the prior's, or if a field is set that the method does not use.
// It panics if len(s.PriorPrecs) is not len(mu).
func New(mu []float64, s *Settings) (*Optimizer, error) {
	c, err := newCore(mu, s, kernels64)
	if err != nil {
		return nil, err
	}
	return &Optimizer{*c}, nil
}

// Step draws weights w_k = μ + σε_k, asks obj for gradient and curvature of one
// minibatch at each of them, and moves mean, curvature and momentum by the update of
// the method, see [Method]. It errs with a [*StepError] if obj lacks a function or
// errs, or if anything seen or made is not finite, and with a *expfam.DomainError if a schedule
// gives a number out of range; the state is then bitwise unchanged. It does not allocate.
func (o *Optimizer) Step(obj *nn.Objective) error {
	return o.c.step(objective[float64]{obj.Grad, obj.GradSq, obj.GradHess})
}

// Dim returns the number of weights.
func (o *Optimizer) Dim() int { return len(o.c.cur.mu) }

// Method returns the method.
func (o *Optimizer) Method() Method { return o.c.set.Method }

// Settings returns the settings with the defaults in place. PriorPrecs is nil; see PriorPrec.
func (o *Optimizer) Settings() Settings {
	s := o.c.set
	s.Groups = slices.Clone(s.Groups)
	return s
}

// Steps returns the number of steps taken.
func (o *Optimizer) Steps() int { return o.c.t }

// Mean writes μ to dst.
func (o *Optimizer) Mean(dst []float64) []float64 { return o.c.mean(dst) }

// SD writes the standard deviations σ to dst; those of Adam are 0.
func (o *Optimizer) SD(dst []float64) []float64 { return o.c.sd(dst) }

// Curvature writes the curvatures per datum s to dst.
func (o *Optimizer) Curvature(dst []float64) []float64 {
	dst = sized("Curvature", dst, o.Dim())
	copy(dst, o.c.cur.s)
	return dst
}

// Momentum writes the momentum m, not bias-corrected, to dst.
func (o *Optimizer) Momentum(dst []float64) []float64 {
	dst = sized("Momentum", dst, o.Dim())
	copy(dst, o.c.cur.m)
	return dst
}

// PriorPrec writes the prior precisions λ to dst, as PriorAt has them now.
func (o *Optimizer) PriorPrec(dst []float64) []float64 { return o.c.priorPrec(dst) }

// Sample writes the draw μ + σε number stream of a seed to dst, a pure function of
// the state and both numbers. The steps use their own seed's streams from 65536 on.
func (o *Optimizer) Sample(dst []float64, seed, stream uint64) []float64 {
	return o.c.sample(dst, seed, stream)
}

// Loss returns the mean negative log-likelihood over the minibatch and the draws
// of the last step, NaN before it.
func (o *Optimizer) Loss() float64 { return o.c.loss }

// GradNorm returns the Euclidean norm of the gradient that the last step saw,
// without the prior's.
func (o *Optimizer) GradNorm() float64 { return o.c.gradNorm() }

// Clipped returns how many weights the last step of IVON clipped.
func (o *Optimizer) Clipped() int { return o.c.clipped }

// SDRange returns the smallest, the median and the largest standard deviation. It does
// not allocate; it uses the space of the next step and so must not run beside another
// method.
func (o *Optimizer) SDRange() (smallest, median, largest float64) { return o.c.sdRange() }

// KL returns KL(q‖prior) in nats,
//
//	½ Σ [λσ² + λμ² − 1 − log λσ²],
//
// +Inf if a λ is 0, NaN for Adam and VadaGrad.
func (o *Optimizer) KL() float64 { return o.c.kl() }

// Posterior returns N(μ, diag(σ²)). It errs for Adam, which has none.
func (o *Optimizer) Posterior() (*expfam.DiagNormal, error) { return o.c.posterior() }

// MarshalBinary returns the state (step, mean, curvature, momentum) and the numbers
// of the settings. A run that is restored from it goes on bit for bit.
func (o *Optimizer) MarshalBinary() ([]byte, error) { return o.c.marshal() }

// UnmarshalBinary restores what MarshalBinary returned into an optimiser that New
// made with the same settings; schedules are compared at the first and at the next
// step only. It errs, with the receiver unchanged, on other settings or damaged bytes.
func (o *Optimizer) UnmarshalBinary(b []byte) error { return o.c.unmarshal(b) }
