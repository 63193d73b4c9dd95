package structured

import (
	"encoding/json"
	"fmt"
	"github.com/natgrad/natgrad/internal/oracle"
	"math"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/internal/special"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/mat"
)

func init() {
	kinds = append(kinds,
		oracle.Of("Wishart", func(f oracle.Fields) bool { return f.Has("n0", "V0", "b0", "steps") }, replayWishart),
		oracle.Of("positive definite matrices", func(f oracle.Fields) bool { return f.Has("Q", "X", "Sigma_hat", "alpha", "runs") }, replaySPD),
	)
}

// wishartTarget is log p = ½(n0−p−1) log|W| − ½ tr(V0⁻¹W), in closed form under q.
func wishartTarget(t testing.TB, n0 float64, v0 *mat.SymDense) *vi.Target {
	t.Helper()
	p := v0.SymmetricDim()
	inv := inverse(t, v0)
	return &vi.Target{Dim: p * (p + 1) / 2, Exact: func(tan []float64, q vi.Posterior) (float64, error) {
		w := q.(*Wishart)
		n, c := w.Dof(), 0.5*(n0-float64(p)-1)
		var s mat.SymDense
		s.SymOuterK(1, denseRoot(w.f))
		cov := inverse(t, &s)
		logDet := special.MvDigamma(p, n/2) + float64(p)*math.Log(2/n) - 2*w.f.LogDet()
		value := c * logDet
		g := mat.NewSymDense(p, nil)
		for i := range p {
			for j := range p {
				value -= 0.5 * inv.At(i, j) * cov.At(i, j)
				g.SetSym(i, j, c*s.At(i, j)-0.5*inv.At(i, j))
			}
		}
		w.AddGradient(tan, g, c*(0.5*special.MvTrigamma(p, n/2)-float64(p)/n), 1)
		return value, nil
	}}
}

func inverse(t testing.TB, s *mat.SymDense) *mat.SymDense {
	t.Helper()
	var chol mat.Cholesky
	if !chol.Factorize(s) {
		t.Fatal("a matrix is not positive definite")
	}
	inv := new(mat.SymDense)
	if err := chol.InverseTo(inv); err != nil {
		t.Fatal(err)
	}
	return inv
}

func replayWishart(t *testing.T, data []byte) {
	// encoding/json matches names without regard to case, so b and B are read apart.
	var top map[string]json.RawMessage
	decode(t, data, &top)
	number := func(m map[string]json.RawMessage, key string) float64 {
		var v float64
		decode(t, m[key], &v)
		return v
	}
	matrix := func(m map[string]json.RawMessage, key string) [][]float64 {
		var v [][]float64
		decode(t, m[key], &v)
		return v
	}
	v0 := symmetric(matrix(top, "V0"))
	b := root(t, "full", v0.SymmetricDim())
	setStart(t, b, top["B0"])
	w, err := NewWishart(float64(b.Dim())+1, b)
	if err == nil {
		err = w.SetNatural(append([]float64{number(top, "b0")}, w.Natural(nil)[1:]...))
	}
	if err != nil {
		t.Fatal(err)
	}
	e := newRun(t, w, wishartTarget(t, number(top, "n0"), v0), vi.Settings{}, number(top, "beta"))
	var steps []map[string]json.RawMessage
	decode(t, top["steps"], &steps)
	for _, s := range steps {
		at := fmt.Sprintf("step %v: ", number(s, "t"))
		r := advance(t, e, int(number(s, "t")))
		near(t, at+"b, n", []float64{w.b, w.Dof()}, []float64{number(s, "b"), number(s, "n")}, goldenTol)
		near(t, at+"B", denseRoot(w.f).RawMatrix().Data, dense(matrix(s, "B")).RawMatrix().Data, goldenTol)
		if s["neg_elbo"] != nil {
			near(t, at+"negative ELBO", []float64{-r.ELBO}, []float64{number(s, "neg_elbo")}, goldenTol)
		}
	}
}

// metricNearness is f(Z) = (1/2n) Σ |ZQx − x|², and logDet is f(Z) = tr(ZS) − log|Z|, as
// targets whose value is −f.
func metricNearness(q, x *mat.Dense) *vi.Target {
	p, _ := q.Dims()
	n, _ := x.Dims()
	var qx mat.Dense
	qx.Mul(x, q.T()) // rows Qx
	return cone(p, func(g, z *mat.SymDense) float64 {
		var r, d mat.Dense
		r.Mul(&qx, z)
		r.Sub(&r, x)
		d.Mul(r.T(), &qx)
		for i := range p {
			for j := i; j < p; j++ {
				g.SetSym(i, j, (d.At(i, j)+d.At(j, i))/(2*float64(n)))
			}
		}
		f := mat.Norm(&r, 2)
		return f * f / (2 * float64(n))
	})
}

func logDet(s *mat.SymDense) *vi.Target {
	p := s.SymmetricDim()
	return cone(p, func(g, z *mat.SymDense) float64 {
		var chol mat.Cholesky
		if !chol.Factorize(z) {
			return math.NaN()
		}
		inv := new(mat.SymDense)
		if err := chol.InverseTo(inv); err != nil {
			return math.NaN()
		}
		f := -chol.LogDet()
		for i := range p {
			for j := range p {
				f += z.At(i, j) * s.At(i, j)
				g.SetSym(i, j, s.At(i, j)-inv.At(i, j))
			}
		}
		return f
	})
}

// cone is the minimisation of f, which writes its gradient to g, as a target.
func cone(p int, f func(g, z *mat.SymDense) float64) *vi.Target {
	g, z := mat.NewSymDense(p, nil), mat.NewSymDense(p, nil)
	return &vi.Target{Dim: p * (p + 1) / 2, Exact: func(tan []float64, q vi.Posterior) (float64, error) {
		s := q.(*SPD)
		v := f(g, s.Matrix(z))
		s.AddGradient(tan, g, -1)
		return -v, nil
	}}
}

func replaySPD(t *testing.T, data []byte) {
	var f struct {
		P           int
		Alpha, Beta float64
		Q, X        [][]float64
		Sigma       [][]float64 `json:"Sigma_hat"`
		Runs        map[string]struct {
			Steps []struct {
				T       int
				A       [][]float64
				FBefore *float64 `json:"f_before"`
			}
			FFinal *float64 `json:"f_final"`
		}
	}
	decode(t, data, &f)
	for name, run := range f.Runs {
		parts := strings.Split(name, "|")
		if len(parts) != 3 {
			t.Fatalf("run %q is not called objective|group|map", name)
		}
		var target *vi.Target
		switch parts[0] {
		case "metric_nearness":
			target = metricNearness(dense(f.Q), dense(f.X))
		case "logdet":
			target = logDet(symmetric(f.Sigma))
		default:
			t.Fatalf("unknown objective %q", parts[0])
		}
		start, ok := map[string]func(mat.Symmetric) (*SPD, error){"sym": NewSPD, "chol": NewSPDLower}[parts[1]]
		if !ok {
			t.Fatalf("unknown group %q", parts[1])
		}
		q, err := start(unitMatrix(len(f.Q)))
		if err == nil {
			err = q.SetMomentum(f.Alpha)
		}
		if err != nil {
			t.Fatal(err)
		}
		switch parts[2] {
		case "h2":
		case "expm":
			q.SetExponential(true)
		default:
			t.Fatalf("unknown map %q", parts[2])
		}
		e := newRun(t, q, target, vi.Settings{}, f.Beta)
		value := func() []float64 {
			v, err := target.Exact(make([]float64, q.NumParams()), q)
			if err != nil {
				t.Fatal(err)
			}
			return []float64{-v}
		}
		for _, s := range run.Steps {
			if s.FBefore != nil && s.T == e.Iterations() {
				near(t, name+": f before the step", value(), []float64{*s.FBefore}, goldenTol)
			}
			advance(t, e, s.T)
			near(t, fmt.Sprintf("%s, step %d: A", name, s.T), q.Root(nil).RawMatrix().Data, dense(s.A).RawMatrix().Data, goldenTol)
		}
		if run.FFinal != nil {
			near(t, name+": final f", value(), []float64{*run.FFinal}, goldenTol)
		}
	}
}
