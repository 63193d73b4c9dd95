package nn

import "math"

// Loss is the negative log-likelihood of an example given the net's outputs:
// [Gaussian], [StudentT], [Bernoulli], [Softmax] or [Poisson]. With several
// outputs (Softmax apart) the outputs are independent given the input. Constants
// are included, so that values compare across losses.
type Loss interface {
	check(out int) error
	// learns names the parameter at the end of the weight vector, "" if none.
	learns() string
	// start is the value of that parameter that Init sets.
	start() float64
	// targets is the number of columns of y for a net with out outputs.
	targets(out int) int
	// label says what is wrong with a target, "" if nothing.
	label(y float64, out int) string
}

// Gaussian is y ~ N(f, 1/Precision), an output each. With Learned the log
// precision is one more weight, which begins at log Precision; a Precision of 0 is 1.
type Gaussian struct {
	Precision float64
	Learned   bool
}

// StudentT is y = f + Scale·t with t from Student's distribution with DF degrees of
// freedom (0: 4). With Learned the log of the scale is one more weight, which
// begins at log Scale; a Scale of 0 is 1.
type StudentT struct {
	DF, Scale float64
	Learned   bool
}

// Bernoulli is y ∈ {0, 1} with P(y = 1) = 1/(1 + e^−f), an output each.
type Bernoulli struct{}

// Softmax is a class y ∈ {0, …, Out−1} with probabilities e^f_c/Σ e^f: one column
// of class numbers.
type Softmax struct{}

// Poisson is a count y with mean e^f, an output each.
type Poisson struct{}

func orOne(x float64) float64 {
	if x == 0 {
		return 1
	}
	return x
}

func positive(param string, v float64) error {
	if v != 0 && !(v > 0 && !math.IsInf(v, 1)) {
		return &Error{Func: "New", Param: param, Index: -1, Value: v, Want: "a finite number above 0"}
	}
	return nil
}

func (g Gaussian) check(int) error { return positive("Gaussian.Precision", g.Precision) }
func (s StudentT) check(int) error {
	if err := positive("StudentT.DF", s.DF); err != nil {
		return err
	}
	return positive("StudentT.Scale", s.Scale)
}
func (Bernoulli) check(int) error { return nil }
func (Softmax) check(out int) error {
	if out < 2 {
		return &Error{Func: "New", Param: "outputs of a Softmax net", Index: -1, Value: float64(out), Want: "at least 2 classes"}
	}
	return nil
}
func (Poisson) check(int) error { return nil }

func (g Gaussian) learns() string {
	if g.Learned {
		return "log precision"
	}
	return ""
}
func (s StudentT) learns() string {
	if s.Learned {
		return "log scale"
	}
	return ""
}
func (Bernoulli) learns() string { return "" }
func (Softmax) learns() string   { return "" }
func (Poisson) learns() string   { return "" }

func (g Gaussian) start() float64 { return math.Log(orOne(g.Precision)) }
func (s StudentT) start() float64 { return math.Log(orOne(s.Scale)) }
func (Bernoulli) start() float64  { return 0 }
func (Softmax) start() float64    { return 0 }
func (Poisson) start() float64    { return 0 }

func (Gaussian) targets(out int) int  { return out }
func (StudentT) targets(out int) int  { return out }
func (Bernoulli) targets(out int) int { return out }
func (Softmax) targets(int) int       { return 1 }
func (Poisson) targets(out int) int   { return out }

func finiteLabel(y float64) string {
	if math.IsNaN(y) || math.IsInf(y, 0) {
		return "a finite number"
	}
	return ""
}

func (Gaussian) label(y float64, _ int) string { return finiteLabel(y) }
func (StudentT) label(y float64, _ int) string { return finiteLabel(y) }
func (Bernoulli) label(y float64, _ int) string {
	if y != 0 && y != 1 {
		return "0 or 1"
	}
	return ""
}
func (Softmax) label(y float64, out int) string {
	if !(y >= 0 && y < float64(out)) || y != math.Floor(y) {
		return "a class number from 0 to outputs−1"
	}
	return ""
}
func (Poisson) label(y float64, _ int) string {
	if !(y >= 0) || math.IsInf(y, 1) || y != math.Floor(y) {
		return "a count: 0, 1, 2, …"
	}
	return ""
}

func (s StudentT) df() float64 {
	if s.DF == 0 {
		return 4
	}
	return s.DF
}

const log2Pi = 1.8378770664093454835606594728112

// lossOf evaluates a block of rows: f and y in, negative log-likelihoods nll out.
// If delta is not nil it gets ∂l_i/∂f, and extra ∂l_i/∂(parameter of the loss).
type lossEval[T float] struct {
	loss  Loss
	out   int
	o     *ops[T]
	tmp   []T
	extra []T // one a row
}

// eval writes l_i to nll (len rows); delta (rows×out) and le.extra if wanted.
func (le *lossEval[T]) eval(nll, delta, f, y []T, theta T) {
	rows, out := len(nll), le.out
	learned := le.loss.learns() != ""
	if learned {
		le.extra = grow(le.extra, rows)
	}
	switch l := le.loss.(type) {
	case Gaussian:
		tau, logTau := T(orOne(l.Precision)), T(math.Log(orOne(l.Precision)))
		if learned {
			tau, logTau = T(math.Exp(float64(theta))), theta
		}
		c := T(out) * (T(log2Pi) - logTau) * 0.5
		for i := range rows {
			sum := T(0)
			for j := i * out; j < (i+1)*out; j++ {
				r := f[j] - y[j]
				sum += r * r
				if delta != nil {
					delta[j] = tau * r
				}
			}
			nll[i] = 0.5*tau*sum + c
			if learned {
				le.extra[i] = 0.5*tau*sum - 0.5*T(out)
			}
		}
	case StudentT:
		nu, s := T(l.df()), T(orOne(l.Scale))
		if learned {
			s = T(math.Exp(float64(theta)))
		}
		lg1, _ := math.Lgamma(0.5 * (l.df() + 1))
		lg0, _ := math.Lgamma(0.5 * l.df())
		c := T(out) * T(lg0-lg1+0.5*math.Log(l.df()*math.Pi)+math.Log(float64(s)))
		inv := 1 / (nu * s * s)
		for i := range rows {
			sum, ex := T(0), T(0)
			for j := i * out; j < (i+1)*out; j++ {
				r := f[j] - y[j]
				u := r * r * inv
				sum += T(math.Log1p(float64(u)))
				if delta != nil {
					delta[j] = (nu + 1) * r * inv / (1 + u)
				}
				ex += 1 - (nu+1)*u/(1+u)
			}
			nll[i] = 0.5*(nu+1)*sum + c
			if learned {
				le.extra[i] = ex
			}
		}
	case Bernoulli:
		le.tmp = grow(le.tmp, rows*out)
		le.o.softp(le.tmp, f[:rows*out])
		for i := range rows {
			sum := T(0)
			for j := i * out; j < (i+1)*out; j++ {
				sum += le.tmp[j] - y[j]*f[j]
			}
			nll[i] = sum
		}
		if delta != nil {
			le.o.sigmoid(delta, f[:rows*out])
			for j, v := range y[:rows*out] {
				delta[j] -= v
			}
		}
	case Softmax:
		le.tmp = grow(le.tmp, rows*out)
		p := le.tmp
		if delta != nil {
			p = delta
		}
		le.softmax(p, nll, f)
		for i := range rows {
			c := int(y[i])
			nll[i] -= f[i*out+c]
			p[i*out+c]--
		}
	case Poisson:
		le.tmp = grow(le.tmp, rows*out)
		le.o.exp(le.tmp, f[:rows*out])
		for i := range rows {
			sum := T(0)
			for j := i * out; j < (i+1)*out; j++ {
				lg, _ := math.Lgamma(float64(y[j]) + 1)
				sum += le.tmp[j] - y[j]*f[j] + T(lg)
				if delta != nil {
					delta[j] = le.tmp[j] - y[j]
				}
			}
			nll[i] = sum
		}
	}
}

// softmax writes class probabilities to p and log Σ e^f of every row to lse.
func (le *lossEval[T]) softmax(p, lse, f []T) {
	out := le.out
	for i := range lse {
		row, pr := f[i*out:(i+1)*out], p[i*out:(i+1)*out]
		top := row[0]
		for _, v := range row[1:] {
			top = max(top, v)
		}
		lse[i] = top
		for j, v := range row {
			pr[j] = v - top
		}
	}
	n := len(lse) * out
	le.o.exp(p[:n], p[:n])
	for i := range lse {
		pr := p[i*out : (i+1)*out]
		sum := T(0)
		for _, v := range pr {
			sum += v
		}
		inv := 1 / sum
		for j := range pr {
			pr[j] *= inv
		}
		lse[i] += T(math.Log(float64(sum)))
	}
}

// roots is the number of columns that root writes.
func (le *lossEval[T]) roots() int { return le.out }

// root writes column c of a square root of the Hessian of l_i in the outputs
// (Student's: of its expectation), H_i = Σ_c s_c s_cᵀ, to dst (rows×out).
func (le *lossEval[T]) root(dst, f, y []T, theta T, c, rows int) {
	out := le.out
	clear(dst[:rows*out])
	switch l := le.loss.(type) {
	case Gaussian:
		tau := orOne(l.Precision)
		if l.Learned {
			tau = math.Exp(float64(theta))
		}
		for i := range rows {
			dst[i*out+c] = T(math.Sqrt(tau))
		}
	case StudentT:
		s, nu := orOne(l.Scale), l.df()
		if l.Learned {
			s = math.Exp(float64(theta))
		}
		for i := range rows {
			dst[i*out+c] = T(math.Sqrt((nu+1)/(nu+3)) / s)
		}
	case Bernoulli:
		for i := range rows {
			e := math.Exp(-math.Abs(float64(f[i*out+c])))
			dst[i*out+c] = T(math.Sqrt(e) / (1 + e))
		}
	case Softmax:
		le.tmp = grow(le.tmp, rows*(out+1))
		p, lse := le.tmp[:rows*out], le.tmp[rows*out:rows*(out+1)]
		le.softmax(p, lse, f)
		for i := range rows {
			r := T(math.Sqrt(float64(p[i*out+c])))
			for j := range out {
				dst[i*out+j] = -r * p[i*out+j]
			}
			dst[i*out+c] += r
		}
	case Poisson:
		for i := range rows {
			dst[i*out+c] = T(math.Exp(0.5 * float64(f[i*out+c])))
		}
	}
}

// extraHess is Σ_i of the second derivative of l_i in the loss's own parameter.
func (le *lossEval[T]) extraHess(f, y []T, theta T, rows int) T {
	sum := T(0)
	switch l := le.loss.(type) {
	case Gaussian:
		tau := T(math.Exp(float64(theta)))
		for j := range rows * le.out {
			r := f[j] - y[j]
			sum += 0.5 * tau * r * r
		}
	case StudentT:
		nu, s := T(l.df()), T(math.Exp(float64(theta)))
		for j := range rows * le.out {
			r := f[j] - y[j]
			u := r * r / (nu * s * s)
			sum += (nu + 1) * 2 * u / ((1 + u) * (1 + u))
		}
	}
	return sum
}
