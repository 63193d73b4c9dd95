package vi

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"
)

const (
	// Slices of a tail, in standard deviations: their width, the middle of the first
	// and of the last.
	sliceWidth = 0.5
	firstSlice = 2.
	lastSlice  = 6.
	// sliceDraws is the number of draws that measure a slice.
	sliceDraws = 400
	// sliceWider is the factor of their variance above that of the Laplace approximation, so that
	// the ratios stay bounded where the curvature is a little off.
	sliceWider = 1.2
	// thinSlice is the share of the variance below which a slice ends its tail.
	thinSlice = 0.01
	// suspectTail is the part of the variance that a tail must seem to lack, by its
	// Laplace approximations alone, to be measured.
	suspectTail = 0.05
)

// Tail is the part of a posterior beyond a point of one coordinate, as measured by draws
// made for it and by the diagnostic draws of a fit.
type Tail struct {
	// Name is that of the coordinate with index Coord.
	Name  string
	Coord int
	// From is where the tail begins, 1.75 corrected standard deviations below the corrected
	// mean or, if Upper, above it.
	From  float64
	Upper bool
	// Share ± ShareErr is the posterior's probability there by draws of its own, relative to the mass
	// that the fit's draws have found, and Seen ± SeenErr that by the weighted draws of the fit. The
	// errors are standard errors.
	Share, ShareErr, Seen, SeenErr float64
	// Lost ± LostErr is what the difference adds to the variance of the coordinate, relative
	// to its variance by the fit: Σ (Share_k − Seen_k) ((c_k − mean)/sd)² over the slices k of
	// the tail with middles c_k.
	Lost, LostErr float64
}

// slice is the density around x_j = at: the normal of the other coordinates is centred
// on a line along which x_j moves.
type slice struct {
	at, width   float64
	rest        *expfam.Normal
	slope       []float64 // of the centre, an x_j
	base        []float64 // where the normal has its origin
	mass        float64   // its Laplace approximation
	seen, seen2 float64   // Σ w and Σ w² of the fit's draws in it
}

// Tails looks for mass of p beside q that the draws of q do not reach, and returns the tails
// that were suspect, measured. Necks of funnels are of this kind: long in one coordinate, narrow in all
// others, and therefore missed by k̂ and Spread, which rest on draws of q.
//
// Every coordinate is walked outwards on both sides from two to at most six standard deviations, in slices of half
// of one. At the middle c of a slice log p is maximised over the other coordinates, and the Laplace approximation
//
//	p(x_j = c | D) ≈ p(D, x̂, c) (2π)^{(d−1)/2} |−∇² log p|^{−1/2} / p(D)
//
// (Tierney and Kadane 1986, section 4) is compared with the weighted draws of r around c. Where the slices
// of a tail add more than 5 % to the variance, they are measured by importance sampling from their
// normals, widened, 400 draws each. That estimate has no bias, whatever the shape of the density; a slice with
// several modes is underrated if its normal is about one of them.
//
// A slice costs some tens of gradients and 2·Dim for the Hessian, and the tail of a normal has four; evals
// counts densities and gradients. The result depends on seed and not on the number of workers. In
// one dimension there is nothing to do. It errs if the target has no gradient, the fit
// no weighted draws, a function of the target panics, or ctx ends.
func Tails(ctx context.Context, t *Target, r *Result, seed uint64) (tails []Tail, evals int, err error) {
	if err := r.weighted("Tails"); err != nil {
		return nil, 0, err
	}
	if _, d := r.Draws.Dims(); d != t.Dim {
		return nil, 0, fmt.Errorf("vi: Tails: the fit has %d parameters, want Target.Dim = %d", d, t.Dim)
	}
	c := t.complete()
	if c.LogProb == nil || c.Grad == nil || c.Exact != nil {
		return nil, 0, &SettingError{"Target.Grad", "nil", "a gradient (or Target.Hess or Linear) for Tails"}
	}
	mean, sd, err := r.Moments()
	if err != nil || c.Dim < 2 {
		return nil, 0, err
	}
	w := &walk{t: c, r: r, mean: mean, sd: sd}
	var s stream
	for k := range 2 * c.Dim {
		if ctx.Err() != nil {
			return tails, w.evals, fmt.Errorf("vi: Tails: %w", ctx.Err())
		}
		j, upper := k/2, k%2 == 1
		if !(sd[j] > 0) {
			continue
		}
		slices, lost, err := w.tail(j, upper)
		if err != nil {
			return tails, w.evals, err
		}
		if lost < suspectTail {
			continue
		}
		tail, err := w.measure(slices, j, upper, s.at(seed, streamTails, uint64(k)))
		if err != nil {
			return tails, w.evals, err
		}
		tails = append(tails, tail)
	}
	return tails, w.evals, nil
}

// walk is the state of Tails.
type walk struct {
	t        *Target
	r        *Result
	mean, sd []float64
	evals    int
}

// logScale is the log volume of the unit of all coordinates but j.
func (w *walk) logScale(j int) (scale float64) {
	for i, v := range w.sd {
		if i != j {
			scale += math.Log(v)
		}
	}
	return scale
}

// tail returns the slices of one tail and the variance that is lost by their Laplace approximations.
func (w *walk) tail(j int, upper bool) (slices []slice, lost float64, err error) {
	side := -1.
	if upper {
		side = 1
	}
	x := make([]float64, w.t.Dim)
	copy(x, w.mean)
	for k := firstSlice; k <= lastSlice; k += sliceWidth {
		s := slice{at: w.mean[j] + side*k*w.sd[j], width: sliceWidth * w.sd[j]}
		best := math.Inf(-1)
		for i, lw := range w.r.LogWeights {
			row := w.r.Draws.RawRowView(i)
			if math.Abs(row[j]-s.at) > s.width/2 {
				continue
			}
			p := math.Exp(lw)
			s.seen, s.seen2 = s.seen+p, s.seen2+p*p
			if w.r.LogP[i] > best {
				best = w.r.LogP[i]
				copy(x, row)
			}
		}
		x[j] = s.at
		ok, err := w.laplace(&s, j, x)
		if err != nil {
			return nil, 0, err
		}
		if !ok {
			break
		}
		slices = append(slices, s)
		lost += (s.mass - s.seen) * k * k
		if s.mass*k*k < thinSlice {
			break
		}
	}
	return slices, lost, nil
}

// laplace fills in the normal around the maximum over all coordinates but j, and moves
// x there; false if there is none.
func (w *walk) laplace(s *slice, j int, x []float64) (ok bool, err error) {
	sub := w.without(j, x)
	p := sub.Problem()
	caught := guardProblem(&p)
	p.Status = func() (optimize.Status, error) {
		if e := caught.Load(); e != nil {
			return optimize.Failure, e
		}
		return optimize.NotTerminated, nil
	}
	u := make([]float64, sub.Dim) // in sds
	if v := p.Func(u); caught.Load() != nil {
		return false, caught.Load()
	} else if !finite(v) {
		return false, nil
	}
	res, _ := optimize.Minimize(p, u, &optimize.Settings{
		FuncEvaluations: scoutSteps + sub.Dim, GradEvaluations: scoutSteps + sub.Dim,
		Converger: &optimize.FunctionConverge{Absolute: 1e-3, Iterations: 3},
	}, &optimize.BFGS{})
	if e := caught.Load(); e != nil {
		return false, e
	}
	if res == nil || !finite(res.F) {
		return false, nil
	}
	n, err := Start(sub, res.X)
	if isPanic(err) {
		return false, err
	} else if err != nil {
		return false, nil
	}
	prec := n.Precision(nil)
	prec.ScaleSym(1/sliceWider, prec)
	if s.rest, err = expfam.NewNormalPrecision(res.X, prec); err != nil {
		return false, nil
	}
	s.mass = s.width * math.Exp(-res.F+n.Entropy()-float64(sub.Dim)/2+w.logScale(j)-w.r.LogEvidence)
	// Along the maximum dx̂/dx_j = (−H)⁻¹ ∂∇log p/∂x_j.
	up, down := make([]float64, sub.Dim), make([]float64, sub.Dim)
	step, at := 1e-3*w.sd[j], x[j]
	for _, side := range []struct {
		at   float64
		grad []float64
	}{{at + step, up}, {at - step, down}} {
		x[j] = side.at
		if _, err := protect("Target.Grad", func() float64 { return sub.Grad(side.grad, res.X) }); err != nil {
			return false, err
		}
	}
	x[j] = at
	for i := range up {
		up[i] = (up[i] - down[i]) / (2 * step)
	}
	if !allFinite(up) {
		return false, nil
	}
	slope := mat.NewVecDense(sub.Dim, nil)
	slope.MulVec(n.Cov(nil), mat.NewVecDense(sub.Dim, up))
	s.slope = slope.RawVector().Data
	s.base = append([]float64(nil), x...)
	w.place(x, j, s.base, res.X)
	return true, nil
}

// place writes the point with coordinates base + sd·u, but for j, to x.
func (w *walk) place(x []float64, j int, base, u []float64) {
	k := 0
	for i := range x {
		if i != j {
			x[i] = base[i] + w.sd[i]*u[k]
			k++
		}
	}
}

// without is the density of all coordinates but j about x, in units of the sds; x[j] is
// read anew at every call.
func (w *walk) without(j int, x []float64) *Target {
	base := append([]float64(nil), x...)
	full, g := make([]float64, len(x)), make([]float64, len(x))
	t := &Target{Dim: len(x) - 1}
	t.LogProb = func(u []float64) float64 {
		w.evals++
		w.place(full, j, base, u)
		full[j] = x[j]
		return w.t.LogProb(full)
	}
	t.Grad = func(dst, u []float64) float64 {
		w.evals++
		w.place(full, j, base, u)
		full[j] = x[j]
		v := w.t.Grad(g, full)
		k := 0
		for i := range g {
			if i != j {
				dst[k] = w.sd[i] * g[i]
				k++
			}
		}
		return v
	}
	return t
}

// measure draws from the slices' normals and compares what they hold of p with what the fit's
// draws saw there.
func (w *walk) measure(slices []slice, j int, upper bool, rng *rand.Rand) (Tail, error) {
	t := Tail{Name: nameOf(w.t.Names, j), Coord: j, Upper: upper, From: w.mean[j] - (firstSlice-sliceWidth/2)*w.sd[j]}
	if upper {
		t.From = 2*w.mean[j] - t.From
	}
	scale := w.logScale(j)
	x, u, moved := make([]float64, w.t.Dim), make([]float64, w.t.Dim-1), make([]float64, w.t.Dim-1)
	for _, s := range slices {
		mean, m2 := 0., 0.
		for i := range sliceDraws {
			// Stratified in x_j.
			at := (float64(i)+rng.Float64())/sliceDraws - 0.5
			x[j] = s.at + at*s.width
			s.rest.Sample(u, rng)
			for k, v := range u {
				moved[k] = v + s.slope[k]*at*s.width
			}
			w.place(x, j, s.base, moved)
			w.evals++
			lp, err := protect("Target.LogProb", func() float64 { return w.t.LogProb(x) })
			if err != nil {
				return t, err
			}
			ratio := math.Exp(lp-w.r.LogEvidence-s.rest.LogProb(u)+scale) * s.width
			if math.IsNaN(ratio) {
				ratio = 0 // the density is zero there
			}
			delta := ratio - mean
			mean += delta / float64(i+1)
			m2 += delta * (ratio - mean)
		}
		k2 := math.Pow((s.at-w.mean[j])/w.sd[j], 2)
		se2 := m2 / (sliceDraws - 1) / sliceDraws
		// Draws that miss a slice say nothing of the scatter of their number.
		seen2 := math.Max(s.seen2, mean/w.r.ESS)
		t.Share, t.Seen = t.Share+mean, t.Seen+s.seen
		t.ShareErr, t.SeenErr = t.ShareErr+se2, t.SeenErr+seen2
		t.Lost += (mean - s.seen) * k2
		t.LostErr += (se2 + seen2) * k2 * k2
	}
	t.ShareErr, t.SeenErr, t.LostErr = math.Sqrt(t.ShareErr), math.Sqrt(t.SeenErr), math.Sqrt(t.LostErr)
	return t, nil
}
