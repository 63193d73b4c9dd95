package docs_test

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/expfam/expfamtest"
)

// lomax is the Lomax distribution of known scale s and exponent α > 0 on x > 0,
//
//	p(x) = α/s (1 + x/s)^(−α−1),
//
// with T(x) = log(1 + x/s), η = −α, m = 1/α and h = 1/(s + x). T is exponential, so that
// everything that concerns η alone is that of the embedded expfam.Exponential.
type lomax struct {
	*expfam.Exponential
	s float64
}

var _ expfam.Reparameterizable = (*lomax)(nil)

func newLomax(s, alpha float64) (*lomax, error) {
	e, err := expfam.NewExponential(alpha)
	if err != nil {
		return nil, err
	}
	return &lomax{e, s}, nil
}

func (l *lomax) Name() string        { return "lomax" }
func (l *lomax) t(x float64) float64 { return math.Log1p(x / l.s) }

func (l *lomax) SuffStat(dst, x []float64) []float64 { return set(dst, l.t(one(x))) }

func (l *lomax) LogBase(x []float64) float64 {
	if v := one(x); !(v > 0) || math.IsInf(v, 1) {
		return math.Inf(-1)
	}
	return -math.Log(l.s + x[0])
}

func (l *lomax) LogProb(x []float64) float64 {
	if h := l.LogBase(x); math.IsInf(h, -1) {
		return h
	}
	return l.LogBase(x) - l.Rate()*l.t(x[0]) - l.LogPartition()
}

// Entropy is that of T plus E[log(s + x)] = log s + 1/α.
func (l *lomax) Entropy() float64 { return l.Exponential.Entropy() + math.Log(l.s) + 1/l.Rate() }

func (l *lomax) Mean(dst []float64) []float64 {
	if l.Rate() <= 1 {
		return set(dst, math.Inf(1))
	}
	return set(dst, l.s/(l.Rate()-1))
}

func (l *lomax) Sample(dst []float64, rng *rand.Rand) []float64 {
	return set(dst, l.s*math.Expm1(rng.ExpFloat64()/l.Rate()))
}

func (l *lomax) Clone() expfam.Dist { return &lomax{l.Exponential.Clone().(*expfam.Exponential), l.s} }

func (l *lomax) KLTo(q expfam.Dist) float64 { return l.Exponential.KLTo(q.(*lomax).Exponential) }

// Score is d log p/dx.
func (l *lomax) Score(dst, x []float64) []float64 { return set(dst, -(l.Rate()+1)/(l.s+one(x))) }

// PathGrad is g·∂x/∂η. At fixed probability T = −log(1−u)/α, so that ∂T/∂η = T/α, and dx/dT = s + x.
func (l *lomax) PathGrad(dst, g, x []float64) []float64 {
	return set(dst, one(g)*(l.s+one(x))*l.t(x[0])/l.Rate())
}

// Tangent adds w·F⁻¹·PathGrad(d.Grad, d.X), F = 1/α².
func (l *lomax) Tangent(dst []float64, d *expfam.Draw, w float64) {
	a, step := l.Rate(), w*one(d.Grad)*(l.s+one(d.X))*l.t(d.X[0])
	set(dst, one(dst)+a*step)
}

// EntropyTangent adds −η − ∂E[log h]/∂m = α + 1, as E[log h] = −log s − m.
func (l *lomax) EntropyTangent(dst []float64) bool {
	set(dst, one(dst)+l.Rate()+1)
	return true
}

// ScoreTangent adds w·F⁻¹(T − m), for vi.GradientFree.
func (l *lomax) ScoreTangent(dst, x []float64, w float64) {
	a := l.Rate()
	set(dst, one(dst)+w*a*(a*l.t(one(x))-1))
}

// The bytes are those of T's distribution, s and a checksum.
func (l *lomax) MarshalBinary() ([]byte, error) {
	b, err := l.Exponential.MarshalBinary()
	if err != nil {
		return nil, err
	}
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(l.s))
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b)), nil
}

func (l *lomax) UnmarshalBinary(b []byte) error {
	n := len(b) - 12
	if n < 0 || crc32.ChecksumIEEE(b[:n+8]) != binary.LittleEndian.Uint32(b[n+8:]) {
		return errors.New("lomax.UnmarshalBinary: the bytes are truncated, damaged or foreign")
	}
	e := new(expfam.Exponential)
	if err := e.UnmarshalBinary(b[:n]); err != nil {
		return err
	}
	l.Exponential, l.s = e, math.Float64frombits(binary.LittleEndian.Uint64(b[n:]))
	return nil
}

func TestConformanceLomax(t *testing.T) {
	d, err := newLomax(2, 6)
	if err != nil {
		t.Fatal(err)
	}
	expfamtest.Conformance(t, d, &expfamtest.Options{Outside: [][]float64{{0}, {-1}}})
}
