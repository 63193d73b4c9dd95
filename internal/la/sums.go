package la

import "math"

const (
	// sumBlock is the number of factors 1+e, 0 ≤ e ≤ 1, whose product stays
	// finite however they are dealt to strands.
	sumBlock = 512
	// factorMax bounds the factors 1+u of a product and productMax the product
	// that eight of them may still join.
	factorMax  = 0x1p60
	productMax = 0x1p480
	stepN      = ln2HiN + ln2LoN // log(2)/128
)

// SumLogSigmoid returns Σ log(1/(1+exp(−sign_i·x_i))), the log likelihood of
// binary outcomes, for signs +1 and −1. With m_i = sign_i·x_i it is
//
//	−½ Σ (|m_i| − m_i) − log Π (1 + exp(−|m_i|)):
//
// one logarithm a block. The product is kept as its excess over 1, which is a
// sum of positive numbers, so that the result is accurate in relative terms in
// both tails. Four strands add up every fourth element each, on every machine.
func SumLogSigmoid(sign, x []float64) float64 {
	if len(sign) != len(x) {
		panicLen("SumLogSigmoid", "sign", len(sign), len(x))
	}
	total := 0.0
	for lo := 0; lo < len(x); lo += sumBlock {
		hi := min(lo+sumBlock, len(x))
		var s sigmoidStrands
		n := (hi - lo) &^ 3
		if !s.addFours(sign[lo:lo+n], x[lo:lo+n]) || !s.addRest(sign[lo+n:hi], x[lo+n:hi]) {
			total += sumLogSigmoidFar(sign[lo:hi], x[lo:hi])
			continue
		}
		total += s.value()
	}
	return total
}

// sigmoidStrands are four running products and sums; element i of a block goes
// to strand i mod 4. The products are Π(1+e) − 1, the sums Σ (|m|−m).
type sigmoidStrands struct{ product, sum [4]float64 }

// value ends a block.
func (s *sigmoidStrands) value() float64 {
	p, l := &s.product, &s.sum
	a := p[0] + p[1]*(1+p[0])
	b := p[2] + p[3]*(1+p[2])
	return -(0.5*((l[0]+l[1])+(l[2]+l[3])) + logOnePlus(a+b*(1+a)))
}

// logOnePlus is log(1+p) for p ≥ 0; [math.Log] is the faster.
func logOnePlus(p float64) float64 {
	if p > 1 {
		return math.Log(1 + p)
	}
	return math.Log1p(p)
}

// addFoursGo adds elements, four at a time, and reports whether all are within
// ±expMax; if not, the strands are spoilt.
func (s *sigmoidStrands) addFoursGo(sign, x []float64) bool {
	p0, p1, p2, p3 := s.product[0], s.product[1], s.product[2], s.product[3]
	l0, l1, l2, l3 := s.sum[0], s.sum[1], s.sum[2], s.sum[3]
	sign = sign[:len(x)]
	far := false
	for i := 0; i+4 <= len(x); i += 4 {
		v, g := x[i:i+4:i+4], sign[i:i+4:i+4]
		m0, m1, m2, m3 := g[0]*v[0], g[1]*v[1], g[2]*v[2], g[3]*v[3]
		a0, a1, a2, a3 := math.Abs(m0), math.Abs(m1), math.Abs(m2), math.Abs(m3)
		if !(a0 < expMax && a1 < expMax && a2 < expMax && a3 < expMax) {
			far = true
			break
		}
		l0 += a0 - m0
		l1 += a1 - m1
		l2 += a2 - m2
		l3 += a3 - m3
		e0, e1, e2, e3 := expDown(a0), expDown(a1), expDown(a2), expDown(a3)
		p0 = e0 + p0*(1+e0)
		p1 = e1 + p1*(1+e1)
		p2 = e2 + p2*(1+e2)
		p3 = e3 + p3*(1+e3)
	}
	s.product, s.sum = [4]float64{p0, p1, p2, p3}, [4]float64{l0, l1, l2, l3}
	return !far
}

// addRest adds the last one to three elements of a block.
func (s *sigmoidStrands) addRest(sign, x []float64) bool {
	for i, v := range x {
		m := sign[i] * v
		a := math.Abs(m)
		if !(a < expMax) {
			return false
		}
		s.sum[i] += a - m
		e := expDown(a)
		s.product[i] = e + s.product[i]*(1+e)
	}
	return true
}

// expDown returns exp(−a) for 0 ≤ a < expMax with a relative error of about
// 2⁻⁴⁹ + 2⁻⁵²a, so that log(1+exp(−a)) is accurate to 2⁻⁴⁹ of 1: with k = round(−128·a/log 2) and
// t = a + k·log(2)/128, 2^(k/128)·(1 − t + t²/2 − t³/6 + t⁴/24), |t| < 0.0028.
func expDown(a float64) float64 {
	z := roundShift - a*invLn2N
	k := math.Float64bits(z)
	t := a + (z-roundShift)*stepN
	s := math.Float64frombits(math.Float64bits(expTab[k&127].val) + k&^127<<45)
	return s + s*(t*(t*(0.5-t*(1./6-t*(1./24)))-1))
}

// sumLogSigmoidFar is SumLogSigmoid where exponentials underflow or numbers
// are not finite.
func sumLogSigmoidFar(sign, x []float64) float64 {
	var buf [chunk]float64
	total := 0.0
	for len(x) > 0 {
		n := min(chunk, len(x))
		for i, v := range x[:n] {
			buf[i] = sign[i] * v
		}
		LogSigmoid(buf[:n], buf[:n])
		for _, v := range buf[:n] {
			total += v
		}
		sign, x = sign[n:], x[n:]
	}
	return total
}

// SumLog1p returns Σ log(1+x_i) for x_i ≥ 0 as the logarithm of a product, one
// logarithm for hundreds of moderate elements. The product is kept as its
// excess over 1, so that the result is accurate in relative terms for small x
// too.
func SumLog1p(x []float64) float64 {
	total := 0.0
	var p [4]float64
	for len(x) > 0 {
		n := min(32, len(x))
		p0, p1, p2, p3 := p[0], p[1], p[2], p[3]
		i := 0
		for ; i+4 <= n; i += 4 {
			v := x[i : i+4 : i+4]
			if !(v[0] < factorMax && v[1] < factorMax && v[2] < factorMax && v[3] < factorMax) {
				for _, u := range v {
					total += math.Log1p(u)
				}
				continue
			}
			p0 = v[0] + p0*(1+v[0])
			p1 = v[1] + p1*(1+v[1])
			p2 = v[2] + p2*(1+v[2])
			p3 = v[3] + p3*(1+v[3])
		}
		p = [4]float64{p0, p1, p2, p3}
		for ; i < n; i++ {
			if u := x[i]; u < factorMax {
				p[i&3] = u + p[i&3]*(1+u)
			} else {
				total += math.Log1p(u)
			}
		}
		for j, v := range p {
			if v > productMax {
				total += logOnePlus(v)
				p[j] = 0
			}
		}
		x = x[n:]
	}
	for _, v := range p {
		total += logOnePlus(v)
	}
	return total
}
