package constraint

import (
	"math"
	"strconv"

	"github.com/natgrad/natgrad/autodiff"
	"github.com/natgrad/natgrad/internal/special"
)

// ordered is y_1 < … < y_K, with 0 < y_1 if positive.
type ordered struct {
	k        int
	positive bool
}

// Ordered is a vector of K increasing numbers, y_1 < y_2 < … < y_K:
//
//	y_1 = x_1,  y_k = y_{k−1} + e^{x_k},  log-Jacobian Σ_{k≥2} x_k.
//
// It panics with an *Error if K < 1.
func Ordered(K int) Constraint {
	checkSize("Ordered", K, 1)
	return &ordered{k: K}
}

// PositiveOrdered is a vector of K increasing positive numbers, 0 < y_1 < … < y_K:
//
//	y_1 = e^{x_1},  y_k = y_{k−1} + e^{x_k},  log-Jacobian Σ x_k.
//
// It panics with an *Error if K < 1.
func PositiveOrdered(K int) Constraint {
	checkSize("PositiveOrdered", K, 1)
	return &ordered{k: K, positive: true}
}

func (o *ordered) String() string {
	if o.positive {
		return "positive_ordered(" + strconv.Itoa(o.k) + ")"
	}
	return "ordered(" + strconv.Itoa(o.k) + ")"
}

func (o *ordered) Dims() []int   { return []int{o.k} }
func (o *ordered) Size() int     { return o.k }
func (o *ordered) FreeSize() int { return o.k }
func (o *ordered) sealed()       {}

func (o *ordered) Constrain(dst, x []float64) (logJac float64) {
	checkLens(o, "Constrain", dst, x, "x", o.k, o.k)
	y := 0.0
	for i, v := range x {
		if i == 0 && !o.positive {
			y = v
		} else {
			y += math.Exp(v)
			logJac += v
		}
		dst[i] = y
	}
	return logJac
}

func (o *ordered) Unconstrain(dst, y []float64) error {
	checkLens(o, "Unconstrain", dst, y, "y", o.k, o.k)
	if err := checkFinite(o, y); err != nil {
		return err
	}
	if o.positive && y[0] <= 0 {
		return violation(o, 0, y[0], "> 0")
	}
	for i, v := range y[1:] {
		if v <= y[i] {
			return violation(o, i+1, v, "> "+o.ElementName("y", i)+" = "+number(y[i]))
		}
		if math.IsInf(v-y[i], 0) {
			return violation(o, i+1, v, "a finite distance from "+o.ElementName("y", i)+" = "+number(y[i]))
		}
	}
	last := 0.0
	for i, v := range y {
		if i == 0 && !o.positive {
			dst[i] = v
		} else {
			dst[i] = log(v - last)
		}
		last = v
	}
	return nil
}

func (o *ordered) Node(x autodiff.Node) (y, logJac autodiff.Node, ok bool) {
	checkNode(o, x)
	switch {
	case o.positive:
		return x.Exp().CumSum(), x.Sum(), true
	case o.k == 1:
		return x, autodiff.Node{}, false
	}
	steps := x.Slice(1, o.k)
	return autodiff.Concat(x.At(0), steps.Exp()).CumSum(), steps.Sum(), true
}

func (o *ordered) ElementName(name string, i int) string { return vectorName(name, i) }

func (o *ordered) FreeName(name string, i int) string {
	switch {
	case i > 0:
		return "log(" + vectorName(name, i) + "-" + vectorName(name, i-1) + ")"
	case o.positive:
		return "log(" + vectorName(name, 0) + ")"
	}
	return vectorName(name, 0)
}

// simplex is y_k > 0 with Σ y_k = 1.
type simplex struct {
	k      int
	offset []float64 // log(K−k)
	rest   []float64 // K−k
}

// Simplex is a vector of K positive numbers that sum to 1, by K−1 breaks of a stick:
// of what y_1 … y_{k−1} leave, y_k takes the part z_k, and y_K the end,
//
//	z_k = σ(x_k − log(K−k)),  y_k = z_k·∏_{j<k} (1−z_j),
//	log-Jacobian Σ_{k<K} log z_k + (K−k)·log(1−z_k).
//
// The offset makes x = 0 the point of equal parts. It panics with an *Error if K < 2.
func Simplex(K int) Constraint {
	checkSize("Simplex", K, 2)
	s := &simplex{k: K, offset: make([]float64, K-1), rest: make([]float64, K-1)}
	for i := range s.rest {
		s.rest[i] = float64(K - 1 - i)
		s.offset[i] = math.Log(s.rest[i])
	}
	return s
}

func (s *simplex) String() string { return "simplex(" + strconv.Itoa(s.k) + ")" }
func (s *simplex) Dims() []int    { return []int{s.k} }
func (s *simplex) Size() int      { return s.k }
func (s *simplex) FreeSize() int  { return s.k - 1 }
func (s *simplex) sealed()        {}

func (s *simplex) Constrain(dst, x []float64) (logJac float64) {
	checkLens(s, "Constrain", dst, x, "x", s.k, s.k-1)
	stick := 1.0
	for i, v := range x {
		u := v - s.offset[i]
		dst[i] = stick * special.Sigmoid(u)
		stick *= special.Sigmoid(-u)
		logJac -= special.Log1pExp(-u) + s.rest[i]*special.Log1pExp(u)
	}
	dst[s.k-1] = stick
	return logJac
}

func (s *simplex) Unconstrain(dst, y []float64) error {
	checkLens(s, "Unconstrain", dst, y, "y", s.k-1, s.k)
	sum := 0.0
	for i, v := range y {
		if !(v > 0) || math.IsInf(v, 0) {
			return violation(s, i, v, "> 0")
		}
		sum += v
	}
	if !(math.Abs(sum-1) <= tol) {
		return violationOf(s, "the sum", sum, "1")
	}
	// What is left of the stick is a sum from the end: 1 minus the parts before
	// would lose the digits of small ends.
	left := y[s.k-1]
	for i := s.k - 2; i >= 0; i-- {
		dst[i] = logRatio(y[i], left) + s.offset[i]
		left += y[i]
	}
	return nil
}

func (s *simplex) Node(x autodiff.Node) (y, logJac autodiff.Node, ok bool) {
	checkNode(s, x)
	u := x.Sub(s.offset)
	part, rest := u.LogSigmoid(), u.Neg().LogSigmoid()
	y = autodiff.Concat(part, 0).Add(autodiff.Concat(0, rest.CumSum())).Exp()
	return y, part.Sum().Add(autodiff.Dot(s.rest, rest)), true
}

func (s *simplex) ElementName(name string, i int) string { return vectorName(name, i) }

func (s *simplex) FreeName(name string, i int) string {
	n := "logit(" + vectorName(name, i)
	if i > 0 {
		n += "/sum(" + name + "[" + span(i, s.k-1) + "])"
	}
	n += ")"
	if r := s.k - 1 - i; r > 1 {
		n += "+log(" + strconv.Itoa(r) + ")"
	}
	return n
}
