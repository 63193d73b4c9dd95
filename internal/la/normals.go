package la

import (
	"math"
	"math/bits"
)

const (
	normalLanes = 16
	normalBlock = 2 * normalLanes // numbers of one step of the lanes
)

// normalState are sixteen generators xoshiro128++ (Blackman and Vigna, 2021), a
// lane each: s[k][lane] is word k of a lane's state.
type normalState [4][normalLanes]uint32

// Normals writes independent standard normal numbers, a function of seed, stream
// and the place in dst alone: dst[:n] of a longer call is the shorter call, and
// streams are independent of each other. They are those of [Normals32], with 24
// significant bits and |z| ≤ 6.66, which one number in 4·10¹⁰ would exceed: made
// for perturbing weights, not for studies of far tails.
//
// Two words of a lane make two numbers (Box and Muller 1958), with polynomials
// of single precision; all kinds of kernel give the same bits.
func Normals(dst []float64, seed, stream uint64) {
	var s normalState
	s.seed(seed, stream)
	n := len(dst) / normalBlock
	done := normalsFast64(dst, n, &s)
	dst = dst[done*normalBlock:]
	var buf [normalBlock]float32
	for len(dst) > 0 {
		s.next32(&buf)
		k := min(len(dst), normalBlock)
		for i, v := range buf[:k] {
			dst[i] = float64(v)
		}
		dst = dst[k:]
	}
}

// Normals32 is [Normals] in single precision.
func Normals32(dst []float32, seed, stream uint64) {
	var s normalState
	s.seed(seed, stream)
	n := len(dst) / normalBlock
	done := normalsFast32(dst, n, &s)
	dst = dst[done*normalBlock:]
	var buf [normalBlock]float32
	for len(dst) > 0 {
		s.next32(&buf)
		dst = dst[copy(dst, buf[:]):]
	}
}

// mix is the finaliser of SplitMix64 (Steele, Lea and Flood 2014).
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

const golden = 0x9e3779b97f4a7c15

// seed sets the lanes from two sequences of SplitMix64, whose starts are
// different mixtures of seed and stream.
func (s *normalState) seed(seed, stream uint64) {
	a := mix(mix(seed+golden) + stream)
	b := mix(mix(stream^0xd1b54a32d192ed03) + bits.RotateLeft64(seed, 32))
	for l := range normalLanes {
		a += golden
		b += golden
		u, v := mix(a), mix(b)
		s[0][l], s[1][l] = uint32(u), uint32(u>>32)
		s[2][l], s[3][l] = uint32(v), uint32(v>>32)|1 // not all zero
	}
}

// next is one step of one lane.
func (s *normalState) next(l int) uint32 {
	s0, s1, s2, s3 := s[0][l], s[1][l], s[2][l], s[3][l]
	r := bits.RotateLeft32(s0+s3, 7) + s0
	t := s1 << 9
	s2 ^= s0
	s3 ^= s1
	s1 ^= s2
	s0 ^= s3
	s2 ^= t
	s3 = bits.RotateLeft32(s3, 11)
	s[0][l], s[1][l], s[2][l], s[3][l] = s0, s1, s2, s3
	return r
}

// Coefficients: log(1+f) = f − f²/2 + f³·P(f) on [√½−1, √2−1], sin and cos of
// (π/2)g for |g| ≤ ½ as the polynomials of Moshier's Cephes library.
const (
	sqrtHalfBits = 0x3f3504f3
	logP0        = 3.3333331174e-1
	logP1        = -2.4999993993e-1
	logP2        = 2.0000714765e-1
	logP3        = -1.6668057665e-1
	logP4        = 1.4249322787e-1
	logP5        = -1.2420140846e-1
	logP6        = 1.1676998740e-1
	logP7        = -1.1514610310e-1
	logP8        = 7.0376836292e-2
	ln2          = 6.9314718056e-1
)

// next32 writes 32 numbers by the fastest kernel.
func (s *normalState) next32(dst *[normalBlock]float32) {
	if normalsFast32(dst[:], 1, s) == 0 {
		s.block(dst)
	}
}

// block writes 32 numbers: 16 cosines and 16 sines. The conversions to float32
// keep compilers from fusing a product with a sum.
func (s *normalState) block(dst *[normalBlock]float32) {
	for l := range normalLanes {
		a, b := s.next(l), s.next(l)
		u := float32(float32(int32(a>>1))+0.5) * 0x1p-31
		i := int32(math.Float32bits(u)) - sqrtHalfBits
		e := float32(i >> 23)
		f := math.Float32frombits(uint32(i&0x7fffff+sqrtHalfBits)) - 1
		f2 := float32(f * f)
		p := float32(logP8)
		for _, c := range [...]float32{logP7, logP6, logP5, logP4, logP3, logP2, logP1, logP0} {
			p = float32(p*f) + c
		}
		y := float32(float32(p*f)*f2) - float32(0.5*f2)
		y += f
		y += float32(e * ln2)
		r := float32(math.Sqrt(float64(float32(y * -2))))
		g := float32(int32(b<<2)) * 0x1p-32
		x := float32(g * (math.Pi / 2))
		z := float32(x * x)
		q := float32(-1.9515295891e-4*z) + 8.3321608736e-3
		q = float32(q*z) - 1.6666654611e-1
		q = float32(float32(q*z) * x)
		sn := q + x
		c := float32(2.443315711809948e-5*z) - 1.388731625493765e-3
		c = float32(c*z) + 4.166664568298827e-2
		c = float32(float32(c*z) * z)
		c -= float32(0.5 * z)
		c += 1
		c = math.Float32frombits(math.Float32bits(c) ^ b<<1&(1<<31))
		if b>>31 != 0 {
			sn, c = c, sn
		}
		dst[l] = r * c
		dst[normalLanes+l] = r * sn
	}
}
