package expfam_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// checkPath tests what makes d Reparameterizable: Score against differences of
// LogProb along grad's directions, ∇_η E[T_j] = E[PathGrad(∇T_j(x), x)] = F e_j
// over draws, Tangent = F⁻¹PathGrad, EntropyTangent, and that none allocates.
// statGrad writes ∇T_j(x), and move moves x along v inside the support.
func checkPath(t *testing.T, d expfam.Reparameterizable, draws int, move func(x, v []float64) []float64) {
	t.Helper()
	n, dim := d.NumParams(), d.Dim()
	rng := rand.New(rand.NewPCG(77, 1))
	fisher := make([][]float64, n)
	sd := make([]float64, n)
	for j := range n {
		e := make([]float64, n)
		e[j] = 1
		fisher[j] = d.FisherMul(nil, e)
		sd[j] = math.Sqrt(fisher[j][j])
	}
	// gradient of f at x by central differences along the axes
	gradient := func(f func(x []float64) []float64, x []float64) [][]float64 {
		var g [][]float64
		for i := range dim {
			h := 1e-5 * (1e-3 + math.Abs(x[i]))
			v := make([]float64, dim)
			v[i] = h
			up := append([]float64(nil), f(move(x, v))...)
			v[i] = -h
			down := f(move(x, v))
			for k := range up {
				if len(g) <= k {
					g = append(g, make([]float64, dim))
				}
				g[k][i] = (up[k] - down[k]) / (2 * h)
			}
		}
		return g
	}
	mean, square := mat.NewDense(n, n, nil), mat.NewDense(n, n, nil)
	for k := range draws {
		x := d.Sample(nil, rng)
		if k < 20 {
			want := gradient(func(x []float64) []float64 { return []float64{d.LogProb(x)} }, x)[0]
			got := d.Score(nil, x)
			size := floats.Norm(want, 2)
			for i := range got {
				if !(math.Abs(got[i]-want[i]) <= 1e-5*size+1e-6) {
					t.Errorf("%s: Score[%d] is %v, want %v", d.Name(), i, got[i], want[i])
				}
			}
		}
		for j, g := range gradient(func(x []float64) []float64 { return d.SuffStat(nil, x) }, x) {
			for i, v := range d.PathGrad(nil, g, x) {
				mean.Set(i, j, mean.At(i, j)+v/float64(draws))
				square.Set(i, j, square.At(i, j)+v*v/float64(draws))
			}
		}
	}
	for i := range n {
		for j := range n {
			m := mean.At(i, j)
			se := math.Sqrt(max(0, square.At(i, j)-m*m) / float64(draws))
			if !(math.Abs(m-fisher[j][i]) <= 5*se+1e-5*sd[i]*sd[j]) {
				t.Errorf("%s: E[PathGrad(∇T[%d])][%d] is %v ± %v, want F = %v", d.Name(), j, i, m, se, fisher[j][i])
			}
		}
	}
	g, x := randVec(dim, rng), d.Sample(nil, rng)
	path := d.PathGrad(nil, g, x)
	tan, back := make([]float64, n), make([]float64, n)
	dr := &expfam.Draw{X: x, Grad: g}
	d.Tangent(tan, dr, 0.5)
	d.Tangent(tan, dr, 1.5)
	d.FisherMul(back, tan)
	for i := range back {
		if !(math.Abs(back[i]-2*path[i]) <= 1e-8*(floats.Norm(path, math.Inf(1))+sd[i])) {
			t.Errorf("%s: F·Tangent[%d] is %v, want %v", d.Name(), i, back[i], 2*path[i])
		}
	}
	ent := make([]float64, n)
	if !d.EntropyTangent(ent) {
		t.Errorf("%s: the entropy's tangent is not exact", d.Name())
	}
	// Differences of the entropy along η are F times its gradient in m.
	d.FisherMul(ent, ent)
	eta, q := d.Natural(nil), d.Clone()
	for j := range eta {
		h := 1e-4 / sd[j]
		p := append([]float64(nil), eta...)
		p[j] += h
		errUp := q.SetNatural(p)
		up := q.Entropy()
		p[j] -= 2 * h
		errDown := q.SetNatural(p)
		if errUp != nil || errDown != nil {
			t.Fatal(errUp, errDown)
		}
		if got := (up - q.Entropy()) / (2 * h); !(math.Abs(got-ent[j]) <= 1e-5*(math.Abs(ent[j])+sd[j])) {
			t.Errorf("%s: dH/dη[%d] is %v, tangent gives %v", d.Name(), j, got, ent[j])
		}
	}
	score := make([]float64, dim)
	for what, f := range map[string]func(){
		"Score":          func() { d.Score(score, x) },
		"PathGrad":       func() { d.PathGrad(path, g, x) },
		"Tangent":        func() { d.Tangent(tan, dr, 1) },
		"EntropyTangent": func() { d.EntropyTangent(ent) },
	} {
		if a := testing.AllocsPerRun(20, f); a != 0 {
			t.Errorf("%s.%s allocates %v times", d.Name(), what, a)
		}
	}
}

// straight moves x along v in a flat space, onSphere along a great circle.
func straight(x, v []float64) []float64 { return floats.AddTo(make([]float64, len(x)), x, v) }

func onSphere(x, v []float64) []float64 {
	y := straight(x, v)
	floats.Scale(1/floats.Norm(y, 2), y)
	return y
}
