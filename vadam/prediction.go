package vadam

import (
	"math"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/special"
	"github.com/natgrad/natgrad/metrics"
)

// Prediction is the posterior predictive distribution of targets,
// (1/K) Σ_k p(y | x, w_k), for Rows examples: a mixture over K = Draws weight
// vectors, not a normal distribution. Matrices are row-major, Rows × Out. For classes (nn.Softmax)
// Out is their number and y stands for the indicators of the classes.
//
// The variance of a target is the sum of two parts (law of total variance):
//
//	Var[y] = E_w[Var(y | w)] + Var_w(E[y | w])
//
// the aleatoric one, noise that no data will remove, and the epistemic one, which comes of not knowing
// the weights and goes to zero with data. Var_w is the population variance
// over the draws.
type Prediction struct {
	Rows, Out, Draws int
	Targets          []string  // names of the targets, nil if the data had none
	Mean             []float64 // E[y]; of nn.StudentT the mean location
	Aleatoric        []float64 // E_w[Var(y | w)], +Inf for nn.StudentT with DF ≤ 2
	Epistemic        []float64 // Var_w(E[y | w])
	SD               []float64 // √(Aleatoric + Epistemic)

	// Classes and what follows is for labels only: zero and nil for numbers.
	// Probs are the probabilities of the classes in the form that package metrics
	// takes: Rows × Classes for nn.Softmax, where it is Mean, and a row
	// (1 − p, p) for every target of nn.Bernoulli, with Classes = 2.
	Classes int
	Probs   []float64
	// Entropy is that of the rows of Probs in nats, ExpectedEntropy the mean over the
	// draws of a single net's entropy (aleatoric), and MutualInformation
	// their difference (epistemic), the information about the weights that
	// the label would bring.
	Entropy, ExpectedEntropy, MutualInformation []float64

	obs   observation
	v     []float64 // draw by draw Rows × Out
	scale []float64 // draw by draw Out
}

// at returns v of draw k.
func (p *Prediction) at(k int) []float64 {
	n := p.Rows * p.Out
	return p.v[k*n : (k+1)*n]
}

// scaleOf returns s of target i in draw k.
func (p *Prediction) scaleOf(k, i int) float64 { return p.scale[k*p.Out+i%p.Out] }

// summarise fills the exported fields.
func (p *Prediction) summarise() {
	n := p.Rows * p.Out
	b := make([]float64, 4*n)
	p.Mean, p.Aleatoric, p.Epistemic, p.SD = b[:n:n], b[n:2*n:2*n], b[2*n:3*n:3*n], b[3*n:]
	draws := float64(p.Draws)
	for k := range p.Draws {
		for i, v := range p.at(k) {
			m, a := p.obs.moments(v, p.scaleOf(k, i))
			p.Mean[i] += m
			p.Aleatoric[i] += a
		}
	}
	for i := range p.Mean { // of sums: a mean of probabilities added up in parts may come out above 1
		p.Mean[i] /= draws
		p.Aleatoric[i] /= draws
	}
	for k := range p.Draws {
		for i, v := range p.at(k) {
			m, _ := p.obs.moments(v, p.scaleOf(k, i))
			p.Epistemic[i] += (m - p.Mean[i]) * (m - p.Mean[i]) / draws
		}
	}
	for i := range p.SD {
		p.SD[i] = math.Sqrt(p.Aleatoric[i] + p.Epistemic[i])
	}
	switch p.obs.kind {
	case bernoulli:
		p.Classes, p.Probs = 2, make([]float64, 2*n)
		for i, m := range p.Mean {
			m = min(m, 1) // a mean of draws may round to more
			p.Mean[i] = m
			p.Probs[2*i], p.Probs[2*i+1] = 1-m, m
		}
	case categorical:
		p.Classes, p.Probs = p.Out, p.Mean
	default:
		return
	}
	m := len(p.Probs) / p.Classes
	b = make([]float64, 3*m)
	p.Entropy, p.ExpectedEntropy, p.MutualInformation = b[:m:m], b[m:2*m:2*m], b[2*m:]
	for i := range p.Entropy {
		for _, q := range p.Probs[i*p.Classes : (i+1)*p.Classes] {
			p.Entropy[i] += nats(q, math.Log(q))
		}
		p.Entropy[i] = max(p.Entropy[i], 0)
	}
	width := n / m // entries of v that make one label
	for k := range p.Draws {
		for i, v := range p.at(k) {
			h := nats(math.Exp(v), v)
			if p.obs.kind == bernoulli {
				h = nats(special.Sigmoid(v), -special.Log1pExp(-v)) + nats(special.Sigmoid(-v), -special.Log1pExp(v))
			}
			p.ExpectedEntropy[i/width] += h / draws
		}
	}
	for i, h := range p.Entropy {
		p.MutualInformation[i] = max(h-p.ExpectedEntropy[i], 0)
	}
}

// nats returns −q log q.
func nats(q, logQ float64) float64 {
	if q == 0 {
		return 0
	}
	return -q * logQ
}

// Draw writes E[y | w_k], what net k of Draws alone predicts, Rows × Out: one line of a
// spaghetti plot. It panics unless 0 ≤ k < Draws.
func (p *Prediction) Draw(dst []float64, k int) []float64 {
	v := p.at(k)
	dst = sized("Prediction.Draw", dst, len(v))
	for i := range dst {
		dst[i], _ = p.obs.moments(v[i], p.scaleOf(k, i))
	}
	return dst
}

func (p *Prediction) domain(fn, param string, index int, value float64, want string) error {
	return &expfam.DomainError{Family: "prediction", Func: fn, Param: param, Index: index, Value: value, Want: want}
}

func (p *Prediction) numbers(fn string) error {
	if p.obs.classes() {
		return p.domain(fn, "number of classes", -1, float64(p.Classes), "0: labels have probabilities, not quantiles")
	}
	return nil
}

// CDF writes P(Y ≤ y) of the predictive mixture for y, Rows × Out; for counts
// P(Y < y) + ½P(Y = y). On data that the nets have not seen the values are
// uniform if the predictions are calibrated (see metrics.CoverageAt). It errs
// for labels and for a NaN.
func (p *Prediction) CDF(dst, y []float64) ([]float64, error) {
	const fn = "CDF"
	if err := p.numbers(fn); err != nil {
		return nil, err
	}
	n := p.Rows * p.Out
	if len(y) != n {
		panicLen("Prediction.CDF", "y", len(y), n)
	}
	for i, v := range y {
		if math.IsNaN(v) {
			return nil, p.domain(fn, "y", i, v, "a number")
		}
	}
	dst = sized("Prediction.CDF", dst, n)
	for i, v := range y {
		dst[i] = p.cdf(i, v)
		if p.obs.kind == poisson {
			dst[i] = 0.5 * (dst[i] + p.cdf(i, v-1))
		}
	}
	return dst, nil
}

// cdf is the mixture's P(Y ≤ y) of target i.
func (p *Prediction) cdf(i int, y float64) float64 {
	sum, n := 0.0, p.Rows*p.Out
	for k := range p.Draws {
		sum += p.obs.cdf(y, p.v[k*n+i], p.scaleOf(k, i))
	}
	return sum / float64(p.Draws)
}

// Quantile writes the quantiles at level q of the predictive mixture, Rows × Out: the
// solutions of CDF(y) = q to about 1e-10, and for counts the smallest y with
// P(Y ≤ y) ≥ q. It errs for labels and unless 0 < q < 1.
func (p *Prediction) Quantile(dst []float64, q float64) ([]float64, error) {
	const fn = "Quantile"
	if err := p.numbers(fn); err != nil {
		return nil, err
	}
	if !(q > 0 && q < 1) {
		return nil, p.domain(fn, "q", -1, q, "between 0 and 1, both excluded")
	}
	dst = sized("Prediction.Quantile", dst, p.Rows*p.Out)
	if p.obs.kind == poisson {
		for i := range dst {
			dst[i] = p.countQuantile(i, q)
		}
		return dst, nil
	}
	z := p.obs.unitQuantile(q)
	for i := range dst {
		dst[i] = p.quantile(i, q, z)
	}
	return dst, nil
}

// Interval returns the central predictive interval of probability level, from the quantile
// (1 − level)/2 to the quantile (1 + level)/2. It errs as [Prediction.Quantile].
func (p *Prediction) Interval(level float64) (lower, upper []float64, err error) {
	if !(level > 0 && level < 1) {
		return nil, nil, p.domain("Interval", "level", -1, level, "between 0 and 1, both excluded")
	}
	if lower, err = p.Quantile(nil, 0.5-0.5*level); err != nil {
		return nil, nil, err
	}
	upper, err = p.Quantile(nil, 0.5+0.5*level)
	return lower, upper, err
}

// quantile solves cdf(y) = q for target i, where z is the quantile of one component of scale 1:
// a quantile of a mixture lies between those of its components. Newton steps from that of a
// normal distribution with the mixture's moments; those that leave the bracket are replaced by halving it.
func (p *Prediction) quantile(i int, q, z float64) float64 {
	n := p.Rows * p.Out
	lo, hi, narrow := math.Inf(1), math.Inf(-1), math.Inf(1)
	for k := range p.Draws {
		s := p.scaleOf(k, i)
		x := p.v[k*n+i] + s*z
		pad := 1e-3 * s * (1 + math.Abs(z)) // the quantiles of Student's t are approximate
		lo, hi, narrow = min(lo, x-pad), max(hi, x+pad), min(narrow, s)
	}
	y := p.Mean[i] + z*p.SD[i]
	if !(y > lo && y < hi) {
		y = 0.5 * (lo + hi)
	}
	for range 200 {
		f, slope := -q, 0.0
		for k := range p.Draws {
			v, s := p.v[k*n+i], p.scaleOf(k, i)
			f += p.obs.cdf(y, v, s) / float64(p.Draws)
			slope += p.obs.density(y, v, s) / float64(p.Draws)
		}
		if f < 0 {
			lo = y
		} else {
			hi = y
		}
		next := y - f/slope
		if tol := 1e-11*narrow + 0x1p-51*math.Abs(y); math.Abs(next-y) <= tol || hi-lo <= tol {
			return y
		}
		if !(next > lo && next < hi) {
			next = 0.5 * (lo + hi)
		}
		y = next
	}
	return y
}

// countQuantile is the smallest count y with cdf(y) ≥ q.
func (p *Prediction) countQuantile(i int, q float64) float64 {
	lo, hi := -1.0, 1.0 // cdf(lo) < q ≤ cdf(hi) once hi has grown
	for p.cdf(i, hi) < q {
		lo, hi = hi, 2*hi
	}
	for hi-lo > 1 {
		if mid := math.Floor(0.5 * (lo + hi)); p.cdf(i, mid) < q {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}

// targets returns the number of targets a row and checks y.
func (p *Prediction) targets(fn string, y []float64) (int, error) {
	t := p.Out
	if p.obs.kind == categorical {
		t = 1
	}
	if len(y) != p.Rows*t {
		panicLen("Prediction."+fn, "y", len(y), p.Rows*t)
	}
	for i, v := range y {
		if want := p.obs.check(v, p.Classes); want != "" {
			return 0, p.domain(fn, "y", i, v, want)
		}
	}
	return t, nil
}

// LogLik writes log p(y_i | x_i, w_k), Draws × Rows, summed over the targets of a
// row: what metrics.PointwiseLogLik and metrics.JointLogLik take. y is
// Rows × Out, or for nn.Softmax a class number a row. It errs if a target is
// outside its domain.
func (p *Prediction) LogLik(dst, y []float64) ([]float64, error) {
	t, err := p.targets("LogLik", y)
	if err != nil {
		return nil, err
	}
	dst = sized("Prediction.LogLik", dst, p.Draws*p.Rows)
	for k := range p.Draws {
		v, ll := p.at(k), dst[k*p.Rows:(k+1)*p.Rows]
		for i := range ll {
			ll[i] = 0
			for j := range t {
				at := i*t + j
				if p.obs.kind == categorical {
					at = i*p.Out + int(y[i])
				}
				ll[i] += p.obs.logProb(y[i*t+j], v[at], p.scaleOf(k, at))
			}
		}
	}
	return dst, nil
}

// Scores are figures of merit of a prediction on targets; those that have no meaning
// for them are NaN. See package metrics for the definitions.
type Scores struct {
	LogLik      float64 // (1/n) Σ_i log (1/K) Σ_k p(y_i | w_k), pointwise
	JointLogLik float64 // (1/n) log (1/K) Σ_k Π_i p(y_i | w_k)
	RMSE        float64 // of Mean, over all targets; numbers only
	Coverage    float64 // share of targets in the central 95 % intervals; numbers only
	Accuracy    float64 // labels only, as the rest
	Brier       float64
	ECE         float64 // 10 bins
}

// Score compares the prediction with targets y, given as for [Prediction.LogLik]. It
// errs if a target is outside its domain or there are none.
func (p *Prediction) Score(y []float64) (s Scores, err error) {
	nan := math.NaN()
	s = Scores{nan, nan, nan, nan, nan, nan, nan}
	ll, err := p.LogLik(nil, y)
	if err != nil {
		return s, err
	}
	if s.LogLik, err = metrics.PointwiseLogLik(ll, p.Draws); err != nil {
		return s, err
	}
	if s.JointLogLik, err = metrics.JointLogLik(ll, p.Draws); err != nil {
		return s, err
	}
	if p.obs.classes() {
		if s.Accuracy, err = metrics.Accuracy(p.Probs, p.Classes, y); err != nil {
			return s, err
		}
		if s.Brier, err = metrics.Brier(p.Probs, p.Classes, y); err != nil {
			return s, err
		}
		s.ECE, err = metrics.ECE(p.Probs, p.Classes, y, 10)
		return s, err
	}
	lower, upper, err := p.Interval(0.95)
	if err != nil {
		return s, err
	}
	if s.Coverage, err = metrics.Coverage(lower, upper, y); err != nil {
		return s, err
	}
	s.RMSE, err = metrics.RMSE(p.Mean, y)
	return s, err
}
