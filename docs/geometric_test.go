package docs_test

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/expfam/expfamtest"
)

// geometric is the number x = 0, 1, 2, … of failures before the first success
// of probability p,
//
//	p(x) = p (1−p)^x,
//
// with T(x) = x, η = log(1−p) < 0, m = (1−p)/p, h = 1 and A = −log p. It is the
// example of a family from outside in methods/exponential-families.md.
type geometric struct{ eta float64 }

func newGeometric(p float64) (*geometric, error) {
	if !(p > 0 && p < 1) {
		return nil, &expfam.DomainError{Family: "geometric", Func: "New", Param: "p", Index: -1, Value: p, Want: "in (0, 1)"}
	}
	return &geometric{eta: math.Log1p(-p)}, nil
}

func (g *geometric) Name() string   { return "geometric" }
func (g *geometric) Dim() int       { return 1 }
func (g *geometric) NumParams() int { return 1 }

// p is 1 − e^η without cancellation.
func (g *geometric) p() float64 { return -math.Expm1(g.eta) }

// one checks an argument of length 1; set writes a result of length 1.
func one(v []float64) float64 {
	if len(v) != 1 {
		panic(fmt.Sprintf("geometric: length is %d, want 1", len(v)))
	}
	return v[0]
}

func set(dst []float64, v float64) []float64 {
	if dst == nil {
		dst = make([]float64, 1)
	}
	one(dst)
	dst[0] = v
	return dst
}

func (g *geometric) SuffStat(dst, x []float64) []float64 { return set(dst, one(x)) }

func (g *geometric) LogBase(x []float64) float64 {
	if v := one(x); v < 0 || v != math.Floor(v) || math.IsInf(v, 1) {
		return math.Inf(-1)
	}
	return 0
}

func (g *geometric) CheckNatural(eta []float64) error {
	// Below −700 the mean e^η underflows, above −1e-150 it overflows.
	if v := one(eta); !(v < -1e-150 && v > -700) {
		return &expfam.DomainError{Family: "geometric", Func: "SetNatural", Param: "log(1-p)", Index: 0, Value: v, Want: "< 0 (from -700 to -1e-150)"}
	}
	return nil
}

func (g *geometric) Natural(dst []float64) []float64 { return set(dst, g.eta) }

func (g *geometric) SetNatural(eta []float64) error {
	if err := g.CheckNatural(eta); err != nil {
		return err
	}
	g.eta = eta[0]
	return nil
}

func (g *geometric) Expectation(dst []float64) []float64 {
	return set(dst, math.Exp(g.eta)/g.p())
}

func (g *geometric) SetExpectation(m []float64) error {
	v := one(m)
	if !(v > 0) || math.IsInf(v, 1) {
		return &expfam.DomainError{Family: "geometric", Func: "SetExpectation", Param: "mean", Index: 0, Value: v, Want: "> 0 and finite"}
	}
	return g.SetNatural([]float64{-math.Log1p(1 / v)})
}

func (g *geometric) Mean(dst []float64) []float64 { return g.Expectation(dst) }
func (g *geometric) LogPartition() float64        { return -math.Log(g.p()) }

// Entropy is A − ηm.
func (g *geometric) Entropy() float64 {
	return g.LogPartition() - g.eta*math.Exp(g.eta)/g.p()
}

func (g *geometric) LogProb(x []float64) float64 {
	return g.LogBase(x) + g.eta*x[0] - g.LogPartition()
}

// Sample rounds an exponential draw down.
func (g *geometric) Sample(dst []float64, rng *rand.Rand) []float64 {
	return set(dst, math.Floor(rng.ExpFloat64()/-g.eta))
}

// FisherMul writes v·m(1+m), the variance of x.
func (g *geometric) FisherMul(dst, v []float64) []float64 {
	m := math.Exp(g.eta) / g.p()
	return set(dst, one(v)*m*(1+m))
}

// Retract halves rho until η + rho·tan is inside the domain.
func (g *geometric) Retract(tan []float64, rho float64) (expfam.Condition, error) {
	t := one(tan)
	if math.IsNaN(t) || math.IsInf(t, 0) || math.IsNaN(rho) || math.IsInf(rho, 0) {
		return expfam.NonFinite, &expfam.DomainError{Family: "geometric", Func: "Retract", Param: "tan", Index: 0, Value: t, Want: "finite, with a finite rho"}
	}
	var c expfam.Condition
	for range 60 {
		next := geometric{g.eta + rho*t}
		if next.CheckNatural([]float64{next.eta}) == nil {
			*g = next
			return c, nil
		}
		rho /= 2
		c = expfam.Shortened
	}
	return c, fmt.Errorf("geometric.Retract: no admissible step along %v", t)
}

func (g *geometric) Clone() expfam.Dist { c := *g; return &c }

// The bytes are η and a checksum.
func (g *geometric) MarshalBinary() ([]byte, error) {
	b := binary.LittleEndian.AppendUint64([]byte("geometric"), math.Float64bits(g.eta))
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b)), nil
}

func (g *geometric) UnmarshalBinary(b []byte) error {
	const head = len("geometric")
	if len(b) != head+12 || string(b[:head]) != "geometric" || crc32.ChecksumIEEE(b[:head+8]) != binary.LittleEndian.Uint32(b[head+8:]) {
		return fmt.Errorf("geometric.UnmarshalBinary: the bytes are truncated, damaged or foreign")
	}
	return g.SetNatural([]float64{math.Float64frombits(binary.LittleEndian.Uint64(b[head:]))})
}

func TestConformanceGeometric(t *testing.T) {
	d, err := newGeometric(0.3)
	if err != nil {
		t.Fatal(err)
	}
	expfamtest.Conformance(t, d, &expfamtest.Options{Outside: [][]float64{{-1}, {0.5}}})
	if _, err := newGeometric(1); err == nil {
		t.Error("p = 1 is accepted")
	}
}
