package expfam

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// law is a one-dimensional continuous exponential family of an outcome u, from
// which mapped makes a Dist. Where NumParams is 1, the second of two results or
// arguments is 0 and not looked at.
type law interface {
	NumParams() int
	CheckNatural(eta []float64) error
	SetNatural(eta []float64) error
	SetExpectation(m []float64) error
	LogPartition() float64
	FisherMul(dst, v []float64) []float64

	copyLaw() law
	coords() (e0, e1 float64)              // η
	moments() (m0, m1 float64)             // E[T(u)]
	kl(q law) float64                      // q has the same type
	solve(v0, v1 float64) (w0, w1 float64) // F⁻¹v
	inside(u float64) bool                 // the support
	stat(u float64) (t0, t1 float64)       // T(u)
	slope(u float64) (d0, d1 float64)      // dT/du
	base(u float64) (logH, slope float64)  // log h(u) and its derivative
	path(u float64) (d0, d1 float64)       // ∂u/∂η at fixed probability
	draw(rng *rand.Rand) float64           // one u
	meanExp(k float64) float64             // E[exp(ku)], E[u] for k = 0
	entropy() float64                      // of u
	baseGrad(k float64) (g0, g1 float64)   // ∇_m E[log h(u) − ku]
}

// precise is a law whose log density loses digits as ⟨η, T⟩ − A.
type precise interface{ logProb(u float64) float64 }

// mapped is the Dist of y = scale·exp(u/power), or of y = u where power is 0,
// for u of the given law: T(y) = T(u(y)) with the same η, m and A, and
//
//	log h(y) = log h(u) + log |du/dy|,  du/dy = power/y.
//
// Families embed it; the zero value has no law and is only good for unmarshal.
type mapped struct {
	law          law
	name         string
	power, scale float64
	params       [2]string // names of the entries of η in errors; empty leaves those of law
	work         [2]float64
}

// Name returns the name of the family with what is known, such as
// "weibull(k=1.5)": distributions of other known values are of another family.
func (m *mapped) Name() string { return m.name }

// Dim returns 1.
func (m *mapped) Dim() int { return 1 }

// NumParams returns the length of η, 0 for a zero value.
func (m *mapped) NumParams() int {
	if m.law == nil {
		return 0
	}
	return m.law.NumParams()
}

func (m *mapped) inner() *mapped { return m }

func (m *mapped) copied() mapped {
	c := *m
	if c.law != nil {
		c.law = c.law.copyLaw()
	}
	return c
}

// check panics unless v, the argument called param, has length n.
func (m *mapped) check(fn, param string, v []float64, n int) {
	if len(v) != n {
		panicLen(m.name+"."+fn, param, len(v), n)
	}
}

// sized is the dst rule for results of length n.
func (m *mapped) sized(fn string, dst []float64, n int) []float64 {
	if dst != nil {
		m.check(fn, "dst", dst, n)
		return dst
	}
	return make([]float64, n)
}

// relabel gives an error of the law the names of the family.
func (m *mapped) relabel(err error) error {
	switch e := err.(type) {
	case *DomainError:
		e.Family = m.name
		if m.params[0] != "" && e.Index >= 0 {
			e.Param = m.params[e.Index]
			if e.Func == "SetExpectation" {
				e.Param = "m"
			}
		}
	case *PrecisionError:
		e.Family = m.name
	}
	return err
}

func (m *mapped) u(y float64) float64 {
	if m.power == 0 {
		return y
	}
	if r := y / m.scale; r > 1e-300 && r < 1e300 {
		return m.power * math.Log(r)
	}
	return m.power * (math.Log(y) - math.Log(m.scale))
}

// slopeOf returns dy/du.
func (m *mapped) slopeOf(y float64) float64 {
	if m.power == 0 {
		return 1
	}
	return y / m.power
}

// at returns u(y) and log h(y), which is −Inf outside the support.
func (m *mapped) at(y float64) (u, logH float64) {
	if m.power != 0 && !(y > 0 && y <= math.MaxFloat64) {
		return 0, math.Inf(-1)
	}
	u = m.u(y)
	if !m.law.inside(u) {
		return u, math.Inf(-1)
	}
	logH, _ = m.law.base(u)
	return u, logH + m.logSlope(y)
}

// logSlope returns log |du/dy|.
func (m *mapped) logSlope(y float64) float64 {
	if m.power == 0 {
		return 0
	}
	return math.Log(math.Abs(m.power)) - math.Log(y)
}

// SuffStat writes T(x).
func (m *mapped) SuffStat(dst, x []float64) []float64 {
	m.check("SuffStat", "x", x, 1)
	dst = m.sized("SuffStat", dst, m.law.NumParams())
	t0, t1 := m.law.stat(m.u(x[0]))
	if dst[0] = t0; len(dst) > 1 {
		dst[1] = t1
	}
	return dst
}

// LogBase returns log h(x), −Inf outside the support.
func (m *mapped) LogBase(x []float64) float64 {
	m.check("LogBase", "x", x, 1)
	_, h := m.at(x[0])
	return h
}

// LogProb returns log p(x), −Inf outside the support.
func (m *mapped) LogProb(x []float64) float64 {
	m.check("LogProb", "x", x, 1)
	u, h := m.at(x[0])
	if math.IsInf(h, -1) {
		return h
	}
	if p, ok := m.law.(precise); ok {
		return p.logProb(u) + m.logSlope(x[0])
	}
	e0, e1 := m.law.coords()
	t0, t1 := m.law.stat(u)
	if e0 != 0 { // 0·∞ at the ends of float64
		h += e0 * t0
	}
	if e1 != 0 {
		h += e1 * t1
	}
	return h - m.law.LogPartition()
}

// CheckNatural returns nil if eta is a proper parameter, else a *DomainError.
func (m *mapped) CheckNatural(eta []float64) error {
	m.check("CheckNatural", "eta", eta, m.law.NumParams())
	return m.relabel(m.law.CheckNatural(eta))
}

// Natural writes η.
func (m *mapped) Natural(dst []float64) []float64 {
	dst = m.sized("Natural", dst, m.law.NumParams())
	e0, e1 := m.law.coords()
	if dst[0] = e0; len(dst) > 1 {
		dst[1] = e1
	}
	return dst
}

// SetNatural moves to eta; on error the receiver is unchanged.
func (m *mapped) SetNatural(eta []float64) error {
	m.check("SetNatural", "eta", eta, m.law.NumParams())
	return m.relabel(m.law.SetNatural(eta))
}

// Expectation writes m = E[T(x)].
func (m *mapped) Expectation(dst []float64) []float64 {
	dst = m.sized("Expectation", dst, m.law.NumParams())
	m0, m1 := m.law.moments()
	if dst[0] = m0; len(dst) > 1 {
		dst[1] = m1
	}
	return dst
}

// SetExpectation moves to the distribution with E[T(x)] = mean to 1e-10, see
// [Dist]. It errs by a *DomainError if there is none and by a *PrecisionError if
// the rounding of mean does not hold it; the receiver is then unchanged.
func (m *mapped) SetExpectation(mean []float64) error {
	m.check("SetExpectation", "m", mean, m.law.NumParams())
	return m.relabel(m.law.SetExpectation(mean))
}

// Mean writes E[x], +Inf where the integral diverges.
func (m *mapped) Mean(dst []float64) []float64 {
	dst = m.sized("Mean", dst, 1)
	if m.power == 0 {
		dst[0] = m.law.meanExp(0)
	} else {
		dst[0] = m.scale * m.law.meanExp(1/m.power)
	}
	return dst
}

// LogPartition returns A(η).
func (m *mapped) LogPartition() float64 { return m.law.LogPartition() }

// Entropy returns −E[log p(x)] in nats.
func (m *mapped) Entropy() float64 {
	if m.power == 0 {
		return m.law.entropy()
	}
	return m.law.entropy() + m.law.meanExp(0)/m.power + math.Log(m.scale) - math.Log(math.Abs(m.power))
}

// Sample writes one draw. What underflows or overflows is returned as the
// nearest number of the support.
func (m *mapped) Sample(dst []float64, rng *rand.Rand) []float64 {
	dst = m.sized("Sample", dst, 1)
	u := m.law.draw(rng)
	if dst[0] = u; m.power != 0 {
		dst[0] = positive(m.scale * math.Exp(u/m.power))
	}
	return dst
}

// FisherMul writes F·v, F = ∇²A(η). dst may be v.
func (m *mapped) FisherMul(dst, v []float64) []float64 {
	n := m.law.NumParams()
	m.check("FisherMul", "v", v, n)
	return m.law.FisherMul(m.sized("FisherMul", dst, n), v)
}

// KLTo returns KL(receiver‖q) in nats. It panics if q is of another family.
func (m *mapped) KLTo(q Dist) float64 {
	r, ok := q.(interface{ inner() *mapped })
	if !ok || r.inner().name != m.name {
		panic(fmt.Sprintf("expfam: %s.KLTo: q is %s, want %s", m.name, q.Name(), m.name))
	}
	return m.law.kl(r.inner().law)
}

// Retract adds rho·tan to η, halving rho until the result is proper (Shortened).
func (m *mapped) Retract(tan []float64, rho float64) (Condition, error) {
	return retractHalving(m, tan, rho, m.work[:m.law.NumParams()])
}

// Score writes d log p(x)/dx.
func (m *mapped) Score(dst, x []float64) []float64 {
	m.check("Score", "x", x, 1)
	dst = m.sized("Score", dst, 1)
	y := x[0]
	u := m.u(y)
	e0, e1 := m.law.coords()
	d0, d1 := m.law.slope(u)
	_, h := m.law.base(u)
	h += e0*d0 + e1*d1
	if dst[0] = h; m.power != 0 {
		dst[0] = (m.power*h - 1) / y
	}
	return dst
}

// PathGrad writes g·∂x/∂η, the derivative of x at fixed probability,
// −(∂F/∂η)/p(x) with F the distribution function (Figurnov, Mohamed and Mnih
// 2018), times g.
func (m *mapped) PathGrad(dst, g, x []float64) []float64 {
	m.check("PathGrad", "g", g, 1)
	m.check("PathGrad", "x", x, 1)
	dst = m.sized("PathGrad", dst, m.law.NumParams())
	d0, d1 := m.law.path(m.u(x[0]))
	s := g[0] * m.slopeOf(x[0])
	if dst[0] = s * d0; len(dst) > 1 {
		dst[1] = s * d1
	}
	return dst
}

// Tangent adds w·F⁻¹·d.Grad·∂x/∂η at x = d.X to dst.
func (m *mapped) Tangent(dst []float64, d *Draw, w float64) {
	m.check("Tangent", "dst", dst, m.law.NumParams())
	m.check("Tangent", "X", d.X, 1)
	m.check("Tangent", "Grad", d.Grad, 1)
	d0, d1 := m.law.path(m.u(d.X[0]))
	s := w * d.Grad[0] * m.slopeOf(d.X[0])
	t0, t1 := m.law.solve(s*d0, s*d1)
	if dst[0] += t0; len(dst) > 1 {
		dst[1] += t1
	}
}

// ScoreTangent adds w·F⁻¹(T(x) − m), the natural gradient of log p(x), to dst.
func (m *mapped) ScoreTangent(dst, x []float64, w float64) {
	m.check("ScoreTangent", "dst", dst, m.law.NumParams())
	m.check("ScoreTangent", "x", x, 1)
	t0, t1 := m.law.stat(m.u(x[0]))
	m0, m1 := m.law.moments()
	t0, t1 = m.law.solve(w*(t0-m0), w*(t1-m1))
	if dst[0] += t0; len(dst) > 1 {
		dst[1] += t1
	}
}

// EntropyTangent adds ∇_m H = −η − ∇_m E[log h(x)] to dst; it is exact.
func (m *mapped) EntropyTangent(dst []float64) (exact bool) {
	m.check("EntropyTangent", "dst", dst, m.law.NumParams())
	var k float64
	if m.power != 0 {
		k = 1 / m.power
	}
	e0, e1 := m.law.coords()
	g0, g1 := m.law.baseGrad(k)
	if dst[0] -= e0 + g0; len(dst) > 1 {
		dst[1] -= e1 + g1
	}
	return true
}

// MarshalBinary returns the name of the family and η with a checksum.
func (m *mapped) MarshalBinary() ([]byte, error) { return marshalEta(m) }

// unmarshal is UnmarshalBinary: bytes of other known values are refused by a
// receiver that has its own, and give a zero value theirs.
func (m *mapped) unmarshal(b []byte, family string, keys []string, build func(known []float64) (mapped, error)) error {
	if m.law != nil {
		return unmarshalEta(m, b)
	}
	known, ok := parseKnown(savedName(b), family, keys)
	if !ok {
		_, _, err := decodeEta(family, b)
		if err == nil {
			err = fmt.Errorf("expfam: %s.UnmarshalBinary: the bytes do not say the known %s", family, strings.Join(keys, ", "))
		}
		return err
	}
	c, err := build(known)
	if err != nil {
		return err
	}
	if err := unmarshalEta(&c, b); err != nil {
		return err
	}
	*m = c
	return nil
}

// knownName is family(key=value,…) with the values in the shortest form that
// reads back the same.
func knownName(family string, keys []string, known ...float64) string {
	if len(keys) == 0 {
		return family
	}
	var s strings.Builder
	s.WriteString(family)
	for i, k := range keys {
		s.WriteByte("(,"[min(i, 1)])
		s.WriteString(k + "=" + strconv.FormatFloat(known[i], 'g', -1, 64))
	}
	s.WriteByte(')')
	return s.String()
}

// parseKnown reads the values in what knownName made, and in nothing else.
func parseKnown(name, family string, keys []string) ([]float64, bool) {
	known := make([]float64, len(keys))
	rest, ok := strings.CutPrefix(name, family)
	if ok && len(keys) > 0 && strings.HasSuffix(rest, ")") {
		for i, f := range strings.SplitN(strings.Trim(rest, "()"), ",", len(keys)) {
			_, v, _ := strings.Cut(f, "=")
			known[i], _ = strconv.ParseFloat(v, 64)
		}
	}
	return known, ok && knownName(family, keys, known...) == name
}

// savedName returns the name in the bytes of a Dist, or what takes its place in
// other bytes; unmarshalEta checks them.
func savedName(b []byte) string {
	const at = len(encodeMagic) + 4
	if len(b) < at {
		return ""
	}
	n := int(binary.LittleEndian.Uint16(b[at-2:]))
	return string(b[at:min(at+n, len(b))])
}
