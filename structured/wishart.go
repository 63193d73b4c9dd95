package structured

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/special"
	"github.com/natgrad/natgrad/internal/wire"
	"gonum.org/v1/gonum/mat"
)

// Wishart is the distribution over symmetric positive definite p×p matrices W
// with mean E[W] = S⁻¹ and n > p−1 degrees of freedom,
//
//	q(W) ∝ |W|^((n−p−1)/2) exp(−½ n tr(SW)),
//
// W(n, S⁻¹/n) in the usual notation, moved in the coordinates in which mean and
// shape are orthogonal in the Fisher metric (Lin et al. 2021, section 3.4): S = BBᵀ
// with B in a matrix group, and n = 2 log(1+eᵇ) + p − 1. The state is (b, free
// numbers of B), a tangent (db, entries of M); b moves along a line and B to B h(ρM).
// An outcome is x = svec(W), as in [expfam.Wishart].
//
// It is a posterior for vi.Fit with methods Exact (see AddGradient) and GradientFree,
// and with Draws where gradients of the target with respect to svec(W) are there. The
// zero value is good for UnmarshalBinary only.
type Wishart struct {
	p   int
	b   float64
	f   Factor
	in  *expfam.Wishart // the same distribution
	eta []float64       // of in
	old []float64       // numbers of B to go back to
	row []float64       // scratch of settle

	rows, etas *vectors // scratch of length p and of length NumParams of in
}

const wishartName = "structured wishart"

// NewWishart returns the Wishart distribution with n degrees of freedom and mean
// (BBᵀ)⁻¹, B a copy of f. It errs unless n > p−1 is finite, and if f is nil.
func NewWishart(n float64, f Factor) (*Wishart, error) {
	if err := needFactor("NewWishart", "f", f); err != nil {
		return nil, err
	}
	p := f.Dim()
	y := 0.5 * (n - float64(p-1))
	if !(y > 0) || !finite(y) {
		return nil, domainError(wishartName, "NewWishart", "n", -1, n, fmt.Sprintf("> p−1 = %d and finite", p-1))
	}
	return newWishart(y+math.Log(-math.Expm1(-y)), f.Clone())
}

// newWishart makes f its own.
func newWishart(b float64, f Factor) (*Wishart, error) {
	p := f.Dim()
	in, err := expfam.NewWishart(float64(p)+1, unitMatrix(p))
	if err != nil {
		return nil, err
	}
	w := &Wishart{p: p, b: b, f: f, in: in, eta: make([]float64, in.NumParams()), row: make([]float64, p), rows: new(vectors), etas: new(vectors)}
	if err := w.settle("NewWishart"); err != nil {
		return nil, err
	}
	return w, nil
}

func unitMatrix(p int) *mat.SymDense {
	s := mat.NewSymDense(p, nil)
	for i := range p {
		s.SetSym(i, i, 1)
	}
	return s
}

// settle moves the inner distribution to b and B.
func (w *Wishart) settle(fn string) error {
	p, n := w.p, w.Dof()
	if !finite(w.b) {
		return domainError(wishartName, fn, "b", -1, w.b, "finite")
	}
	// (n−p−1)/2 from b, as n − p + 1 would cancel.
	w.eta[0] = special.Log1pExp(w.b) - 1
	k := 1
	row := w.row
	for i := range p {
		clear(row)
		row[i] = 1
		w.f.MulTrans(row, row)
		w.f.Mul(row, row)
		w.eta[k] = -0.5 * n * row[i]
		k++
		for _, s := range row[i+1:] {
			w.eta[k] = -0.5 * n * s * math.Sqrt2
			k++
		}
	}
	return w.in.SetNatural(w.eta)
}

// Name says which shape the root has.
func (w *Wishart) Name() string { return wishartName + ", " + w.f.Name() }

// Dim returns p(p+1)/2, the length of svec(W).
func (w *Wishart) Dim() int { return expfam.SvecLen(w.p) }

// NumParams returns 1 plus the number of free numbers of B.
func (w *Wishart) NumParams() int { return 1 + w.f.NumParams() }

// Order returns p.
func (w *Wishart) Order() int { return w.p }

// Dof returns n.
func (w *Wishart) Dof() float64 { return 2*special.Log1pExp(w.b) + float64(w.p-1) }

// Factor returns a copy of the root B of S = E[W]⁻¹.
func (w *Wishart) Factor() Factor { return w.f.Clone() }

// Mean writes svec(E[W]) = svec(S⁻¹) to dst.
func (w *Wishart) Mean(dst []float64) []float64 { return w.in.Mean(dst) }

// Natural writes the state (b, free numbers of B) to dst.
func (w *Wishart) Natural(dst []float64) []float64 {
	dst = sized("Wishart.Natural", dst, w.NumParams())
	dst[0] = w.b
	w.f.Values(dst[1:])
	return dst
}

// SetNatural moves the receiver to the state eta. It errs, with the receiver
// unchanged, if an entry is not finite, B is singular or n is p−1 in floating point.
func (w *Wishart) SetNatural(eta []float64) error {
	checkLen("Wishart.SetNatural", "eta", eta, w.NumParams())
	return w.move("SetNatural", eta[0], func() error { return w.f.SetValues(eta[1:]) })
}

// move moves B, then b, and takes all back if the result is not proper.
func (w *Wishart) move(fn string, b float64, root func() error) error {
	w.old = w.f.Values(w.old)
	if err := root(); err != nil {
		return err
	}
	before := w.b
	w.b = b
	err := w.settle(fn)
	if err == nil {
		return nil
	}
	w.b = before
	if back := errors.Join(w.f.SetValues(w.old), w.settle(fn)); back != nil {
		panic("structured: Wishart refuses its own state: " + back.Error())
	}
	return err
}

// Sample writes svec(W) of one draw to dst, by Bartlett's decomposition.
func (w *Wishart) Sample(dst []float64, rng *rand.Rand) []float64 { return w.in.Sample(dst, rng) }

// LogProb returns log q(W) with respect to Π_{i≤j} dW_ij, −Inf if W is not
// positive definite.
func (w *Wishart) LogProb(x []float64) float64 { return w.in.LogProb(x) }

// Entropy returns the entropy in nats.
func (w *Wishart) Entropy() float64 { return w.in.Entropy() }

// shape returns dn/db = 2σ(b), and ψ′_p(n/2) − 2p/n, four times the Fisher information
// of n, summed so that nothing cancels at large n.
func (w *Wishart) shape() (slope, info float64) {
	a, y := 0.5*w.Dof(), special.Log1pExp(w.b) // y = a − (p−1)/2, which would cancel
	for i := range w.p {
		h := 0.5 * float64(i)
		ah := y + 0.5*float64(w.p-1-i) // a − h
		info += special.TrigammaMinusInv(ah) + h/(a*ah)
	}
	return 2 * special.Sigmoid(w.b), info
}

// AddGradient adds w times the tangent of an expectation E[f(W)] to dst, from its
// partial derivatives at the receiver: g with respect to S⁻¹ = E[W] (symmetric, all
// entries free) and dn with respect to n,
//
//	db = dn·2σ(b)/F_b,  F_b = σ(b)²(ψ′_p(n/2) − 2p/n),   M = −(1/n) Π(B⁻¹gB⁻ᵀ)
//
// (Lin et al. 2021, section 3.4). It is what Target.Exact of a closed-form
// expectation calls. Examples of (expectation; g; dn):
//
//	E[tr(CW)] = tr(CS⁻¹);                                          C;      0
//	E[log|W|] = ψ_p(n/2) + p log(2/n) + log|S⁻¹|;   S;  ½ψ′_p(n/2) − p/n
func (w *Wishart) AddGradient(dst []float64, g *mat.SymDense, dn, weight float64) {
	checkLen("Wishart.AddGradient", "dst", dst, w.NumParams())
	w.addShape(dst, weight*dn)
	w.f.ProjectHess(dst[1:], g, -weight/w.Dof())
}

// addShape adds the tangent of b to a derivative with respect to n: with slope = 2σ,
// dn·slope/(slope²·info/4).
func (w *Wishart) addShape(dst []float64, dn float64) {
	slope, info := w.shape()
	dst[0] += 4 * dn / (slope * info)
}

// EntropyTangent adds the natural gradient of the entropy,
// db = −(n−p−1)/(2σ(b)) and M = −(p+1)/(2n) Π(I), to dst and returns true.
func (w *Wishart) EntropyTangent(dst []float64) (exact bool) {
	checkLen("Wishart.EntropyTangent", "dst", dst, w.NumParams())
	slope, _ := w.shape()
	dst[0] -= 2 * w.eta[0] / slope
	w.f.ProjectIdentity(dst[1:], -0.5*float64(w.p+1)/w.Dof())
	return true
}

// Tangent adds weight times the natural gradient of E_q[log p] to dst as the draw
// dr shows it, where dr.Grad is the gradient with respect to svec(W). With G its
// matrix, at fixed whitened W̃ = BᵀWB,
//
//	M = −(1/n) Π(sym(B⁻¹GWB)),
//
// and db follows from the derivative of Bartlett's factor with respect to n.
func (w *Wishart) Tangent(dst []float64, dr *expfam.Draw, weight float64) {
	checkLen("Wishart.Tangent", "dst", dst, w.NumParams())
	checkLen("Wishart.Tangent", "Grad", dr.Grad, w.Dim())
	checkLen("Wishart.Tangent", "X", dr.X, w.Dim())
	p, n := w.p, w.Dof()
	a, c := w.rows.get(p), w.rows.get(p)
	for j := range p {
		unsvecRow(a, dr.Grad, j)
		unsvecRow(c, dr.X, j)
		w.f.Solve(a, a)
		w.f.MulTrans(c, c)
		w.f.ProjectPair(dst[1:], a, c, -weight/n)
	}
	w.rows.put(a)
	w.rows.put(c)
	// η of the inner family is ((n−p−1)/2, −n svec(S)/2).
	pg := w.etas.get(len(w.eta))
	w.in.PathGrad(pg, dr.Grad, dr.X)
	dn := 0.5 * pg[0]
	for i, e := range w.eta[1:] {
		dn += e / n * pg[1+i]
	}
	w.etas.put(pg)
	w.addShape(dst, weight*dn)
}

// unsvecRow writes row j of the symmetric matrix with svec v to dst.
func unsvecRow(dst, v []float64, j int) {
	p := len(dst)
	k := 0
	for i := range p {
		switch {
		case i < j:
			dst[i] = v[k+j-i] / math.Sqrt2
		case i == j:
			dst[j] = v[k]
			for l := j + 1; l < p; l++ {
				dst[l] = v[k+l-j] / math.Sqrt2
			}
			return
		}
		k += p - i
	}
}

// ScoreTangent adds weight times the natural gradient of log q(x) with respect to
// the state to dst: M = ½ Π(I − BᵀWB), and db from ∂log q/∂n.
func (w *Wishart) ScoreTangent(dst, x []float64, weight float64) {
	checkLen("Wishart.ScoreTangent", "dst", dst, w.NumParams())
	checkLen("Wishart.ScoreTangent", "x", x, w.Dim())
	p, n := w.p, w.Dof()
	a, c := w.rows.get(p), w.rows.get(p)
	for j := range p {
		clear(a)
		a[j] = 1
		w.f.MulTrans(a, a)
		unsvecRow(c, x, j)
		w.f.MulTrans(c, c)
		w.f.ProjectPair(dst[1:], a, c, -0.5*weight)
	}
	w.f.ProjectIdentity(dst[1:], 0.5*weight)
	w.rows.put(a)
	w.rows.put(c)
	// log q = ½(n−p−1) log|W| − ½n tr(SW) + ½n log|S| + ½np log(n/2) − log Γ_p(n/2) + …,
	// and T − E[T] pairs with ∂η/∂n = (½, −svec(S)/2).
	t, m := w.etas.get(len(w.eta)), w.etas.get(len(w.eta))
	w.in.SuffStat(t, x)
	w.in.Expectation(m)
	dn := 0.5 * (t[0] - m[0])
	for i, e := range w.eta[1:] {
		dn += e / n * (t[1+i] - m[1+i])
	}
	w.etas.put(t)
	w.etas.put(m)
	w.addShape(dst, weight*dn)
}

// FisherMul writes F·v to dst: F_b for b, and n times [Factor].FisherMul for M. dst
// may be v.
func (w *Wishart) FisherMul(dst, v []float64) []float64 {
	checkLen("Wishart.FisherMul", "v", v, w.NumParams())
	dst = sized("Wishart.FisherMul", dst, w.NumParams())
	slope, info := w.shape()
	dst[0] = 0.25 * slope * slope * info * v[0]
	w.f.FisherMul(dst[1:], v[1:])
	n := w.Dof()
	for i := range dst[1:] {
		dst[1+i] *= n
	}
	return dst
}

// Retract moves b to b + rho·db and B to B h(rho·M). If the result is not
// representable the step is halved, and Shortened returned. It errs, with the
// receiver unchanged, if tan or rho is not finite or no step is representable.
func (w *Wishart) Retract(tan []float64, rho float64) (expfam.Condition, error) {
	checkLen("Wishart.Retract", "tan", tan, w.NumParams())
	if err := checkTangent(wishartName, "tan", tan, rho); err != nil {
		return expfam.NonFinite, err
	}
	return shorten(wishartName, func(scale float64) bool {
		return w.move("Retract", w.b+scale*rho*tan[0], func() error { return w.f.Retract(tan[1:], scale*rho) }) == nil
	})
}

// Clone returns an independent copy.
func (w *Wishart) Clone() *Wishart {
	c, err := newWishart(w.b, w.f.Clone())
	if err != nil {
		panic("structured: Wishart refuses its own state: " + err.Error())
	}
	return c
}

const (
	wishartMagic   = "ngswish"
	wishartVersion = 1
)

// MarshalBinary writes b and B with its shape; see [Gaussian.MarshalBinary].
func (w *Wishart) MarshalBinary() ([]byte, error) {
	if w.f == nil {
		return nil, errors.New("structured: Wishart.MarshalBinary: the zero value has no state")
	}
	b := wire.NewWriter(wishartMagic, wishartVersion)
	b.Float(w.b)
	if err := writeFactor(b, w.f); err != nil {
		return nil, fmt.Errorf("structured: Wishart.MarshalBinary: %w", err)
	}
	return b.Finish(), nil
}

// UnmarshalBinary makes the receiver the distribution that MarshalBinary wrote,
// bit for bit. On error the receiver is unchanged.
func (w *Wishart) UnmarshalBinary(data []byte) error {
	fail := func(err error) error { return fmt.Errorf("structured: Wishart.UnmarshalBinary: %w", err) }
	r, err := wire.NewReader(data, wishartMagic, wishartVersion)
	if err != nil {
		return fail(err)
	}
	b := r.Float()
	f, err := readFactor(r)
	if err == nil {
		err = r.Done()
	}
	if err != nil {
		return fail(err)
	}
	n, err := newWishart(b, f)
	if err != nil {
		return fail(err)
	}
	*w = *n
	return nil
}
