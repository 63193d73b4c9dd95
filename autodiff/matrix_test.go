package autodiff

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// spd makes a positive definite matrix of d² numbers: B·Bᵀ + 0.5·I.
func spd(b Node, d int) Node {
	m := b.Matrix(d, d)
	return AddDiag(MatMulTrans(m, m), 0.5)
}

func TestProducts(t *testing.T) {
	data := mat.NewDense(2, 3, []float64{1, -2, 0.5, 3, 0.2, -1})
	x := point(12)
	a, b := mat.NewDense(2, 3, x[:6]), mat.NewDense(3, 2, x[6:])
	wide := mat.NewDense(2, 3, x[6:])
	dense := func(rows, cols int, f func(m *mat.Dense)) []float64 {
		m := mat.NewDense(rows, cols, nil)
		f(m)
		return m.RawMatrix().Data
	}
	for _, c := range []struct {
		name string
		f    func(Node) Node
		want []float64
	}{
		{"MatMul", func(x Node) Node { return MatMul(x.Slice(0, 6).Matrix(2, 3), x.Slice(6, 12).Matrix(3, 2)) }, dense(2, 2, func(m *mat.Dense) { m.Mul(a, b) })},
		{"TransMatMul", func(x Node) Node { return TransMatMul(x.Slice(0, 6).Matrix(2, 3), x.Slice(6, 12).Matrix(2, 3)) }, dense(3, 3, func(m *mat.Dense) { m.Mul(a.T(), wide) })},
		{"MatMulTrans", func(x Node) Node { return MatMulTrans(x.Slice(0, 6).Matrix(2, 3), x.Slice(6, 12).Matrix(2, 3)) }, dense(2, 2, func(m *mat.Dense) { m.Mul(a, wide.T()) })},
		{"MatMul data left", func(x Node) Node { return MatMul(data, x.Slice(6, 12).Matrix(3, 2)) }, dense(2, 2, func(m *mat.Dense) { m.Mul(data, b) })},
		{"TransMatMul data right", func(x Node) Node { return TransMatMul(x.Slice(0, 6).Matrix(2, 3), data) }, dense(3, 3, func(m *mat.Dense) { m.Mul(a.T(), data) })},
		{"MatMulTrans itself", func(x Node) Node { m := x.Slice(0, 6).Matrix(2, 3); return MatMulTrans(m, m) }, dense(2, 2, func(m *mat.Dense) { m.Mul(a, a.T()) })},
		{"Outer", func(x Node) Node { return Outer(x.Slice(0, 2), x.Slice(2, 5)) }, dense(2, 3, func(m *mat.Dense) { m.Mul(mat.NewDense(2, 1, x[:2]), mat.NewDense(1, 3, x[2:5])) })},
		{"Outer data", func(x Node) Node { return Outer([]float64{1, 2}, x.Slice(0, 2)) }, []float64{x[0], x[1], 2 * x[0], 2 * x[1]}},
		{"Outer itself", func(x Node) Node { return Outer(x.Slice(0, 2), x.Slice(0, 2)) }, []float64{x[0] * x[0], x[0] * x[1], x[0] * x[1], x[1] * x[1]}},
		{"Diag", func(x Node) Node { return Diag(x.Slice(0, 2)) }, []float64{x[0], 0, 0, x[1]}},
		{"Diagonal", func(x Node) Node { return x.Slice(0, 4).Matrix(2, 2).Diagonal() }, []float64{x[0], x[3]}},
		{"AddDiag scalar", func(x Node) Node { return AddDiag(x.Slice(0, 4).Matrix(2, 2), x.At(5)) }, []float64{x[0] + x[5], x[1], x[2], x[3] + x[5]}},
		{"AddDiag vector", func(x Node) Node { return AddDiag(x.Slice(0, 4).Matrix(2, 2), x.Slice(5, 7)) }, []float64{x[0] + x[5], x[1], x[2], x[3] + x[6]}},
		{"AddDiag number", func(x Node) Node { return AddDiag(x.Slice(0, 4).Matrix(2, 2), 2) }, []float64{x[0] + 2, x[1], x[2], x[3] + 2}},
		{"AddDiag data", func(x Node) Node { return AddDiag(mat.NewDense(2, 2, []float64{1, 2, 3, 4}), x.Slice(0, 2)) }, []float64{1 + x[0], 2, 3, 4 + x[1]}},
		{"QuadForm", func(x Node) Node { return QuadForm(x.Slice(0, 4).Matrix(2, 2), x.Slice(4, 6)) },
			[]float64{x[0]*x[4]*x[4] + (x[1]+x[2])*x[4]*x[5] + x[3]*x[5]*x[5]}},
		{"QuadForm data", func(x Node) Node { return QuadForm(mat.NewDense(2, 2, []float64{1, 2, 3, 4}), x.Slice(4, 6)) },
			[]float64{x[4]*x[4] + 5*x[4]*x[5] + 4*x[5]*x[5]}},
	} {
		t.Run(c.name, func(t *testing.T) {
			near(t, valuesOf(t, c.f, x), c.want, 1e-14)
			checkDerivatives(t, func(x Node) Node { return weighted(c.f(x.Exp())) }, x)
			checkDerivatives(t, func(x Node) Node { return weighted(c.f(x)) }, x)
		})
	}
	checkDerivatives(t, func(x Node) Node { m := x.Exp().Matrix(1, 1); return weighted(MatMul(m, m)) }, []float64{0.3})
}

func TestCholesky(t *testing.T) {
	for _, d := range []int{1, 2, 3, 5} {
		x := point(d * d)
		checkDerivatives(t, func(x Node) Node { return weighted(Cholesky(spd(x, d))) }, x)
		// Of a matrix that is not symmetric the derivative is that of its symmetric part.
		checkDerivatives(t, func(x Node) Node { return weighted(Cholesky(AddDiag(x.Matrix(d, d), 9))) }, x)
		l := mat.NewDense(d, d, valuesOf(t, func(x Node) Node { return Cholesky(spd(x, d)) }, x))
		var got, want mat.Dense
		got.Mul(l, l.T())
		want.Mul(mat.NewDense(d, d, x), mat.NewDense(d, d, x).T())
		for i := range d {
			want.Set(i, i, want.At(i, i)+0.5)
		}
		near(t, got.RawMatrix().Data, want.RawMatrix().Data, 1e-14)
		for i := range d {
			for j := i + 1; j < d; j++ {
				if l.At(i, j) != 0 {
					t.Errorf("L[%d,%d] = %v, want 0", i, j, l.At(i, j))
				}
			}
		}
	}
	// At a size where the libraries work by blocks: ∇ log|A| = A⁻¹.
	const d = 80
	x := make([]float64, d*d)
	for i := range d {
		for j := range d {
			x[i*d+j] = math.Exp(-math.Abs(float64(i-j)) / 9)
		}
	}
	fn, err := New(d*d, func(x Node) Node { return LogDetCholesky(Cholesky(x.Matrix(d, d))) })
	if err != nil {
		t.Fatal(err)
	}
	g := make([]float64, d*d)
	logDet := fn.Grad(g, x)
	var chol mat.Cholesky
	if !chol.Factorize(mat.NewSymDense(d, x)) {
		t.Fatal("not positive definite")
	}
	var inv mat.SymDense
	if err := chol.InverseTo(&inv); err != nil {
		t.Fatal(err)
	}
	near(t, []float64{logDet}, []float64{chol.LogDet()}, 1e-12)
	near(t, g, mat.DenseCopyOf(&inv).RawMatrix().Data, 1e-11)
	// Along the direction A the gradient A⁻¹ changes by −A⁻¹.
	fn.HessVec(g, x, x)
	inv.ScaleSym(-1, &inv)
	near(t, g, mat.DenseCopyOf(&inv).RawMatrix().Data, 1e-10)
}

func TestTriSolve(t *testing.T) {
	for _, d := range []int{1, 2, 4} {
		x := point(d*d + 3*d)
		for name, solve := range map[string]func(l, b any) Node{"TriSolve": TriSolve, "TriSolveTrans": TriSolveTrans} {
			lower := func(x Node) Node { return AddDiag(x.Slice(0, d*d).Matrix(d, d), 3) }
			l, b := mat.NewDense(d, d, nil), mat.NewDense(d, 3, x[d*d:])
			for i := range d {
				for j := range i + 1 {
					l.Set(i, j, x[i*d+j])
				}
				l.Set(i, i, l.At(i, i)+3)
			}
			var left mat.Matrix = l
			if name == "TriSolveTrans" {
				left = l.T()
			}
			var want mat.Dense
			if err := want.Solve(left, b); err != nil {
				t.Fatal(err)
			}
			matrixB := func(x Node) Node { return solve(lower(x), x.Slice(d*d, d*d+3*d).Matrix(d, 3)) }
			near(t, valuesOf(t, matrixB, x), want.RawMatrix().Data, 1e-14)
			checkDerivatives(t, func(x Node) Node { return weighted(matrixB(x)) }, x)
			checkDerivatives(t, func(x Node) Node { return weighted(solve(lower(x), x.Slice(d*d, d*d+d))) }, x)
			checkDerivatives(t, func(x Node) Node { return weighted(solve(l, x.Slice(d*d, d*d+d).Exp())) }, x)
			checkDerivatives(t, func(x Node) Node { return weighted(solve(lower(x), b)) }, x)
		}
		v := x[d*d : d*d+d]
		checkDerivatives(t, func(x Node) Node {
			l := Cholesky(spd(x.Slice(0, d*d), d))
			return AddAll(InvQuadForm(l, x.Slice(d*d, d*d+d)), InvQuadForm(l, v))
		}, x)
	}
}

// TestMVNormal compares with the density by a dense inverse and determinant.
func TestMVNormal(t *testing.T) {
	const d, n = 3, 4
	x := point(d*d + d + n*d)
	y := mat.NewDense(n, d, x[d*d+d:])
	sigma := mat.NewDense(d, d, nil)
	sigma.Mul(mat.NewDense(d, d, x[:d*d]), mat.NewDense(d, d, x[:d*d]).T())
	for i := range d {
		sigma.Set(i, i, sigma.At(i, i)+0.5)
	}
	var inv mat.Dense
	if err := inv.Inverse(sigma); err != nil {
		t.Fatal(err)
	}
	logp := func(mu []float64, rows ...int) float64 {
		s := 0.0
		for _, i := range rows {
			r := mat.NewVecDense(d, nil)
			for j := range d {
				r.SetVec(j, y.At(i, j)-mu[j%len(mu)])
			}
			s += -0.5*mat.Inner(r, &inv, r) - 0.5*math.Log(mat.Det(sigma)) - 0.5*d*math.Log(2*math.Pi)
		}
		return s
	}
	chol := func(x Node) Node { return Cholesky(spd(x.Slice(0, d*d), d)) }
	mu, rows := func(x Node) Node { return x.Slice(d*d, d*d+d) }, func(x Node) Node { return x.Slice(d*d+d, d*d+d+n*d).Matrix(n, d) }
	numbers := x[d*d : d*d+d]
	for name, c := range map[string]struct {
		f    func(x Node) Node
		want float64
	}{
		"vector":        {func(x Node) Node { return MVNormalCholeskyLogProb(rows(x).Row(1), mu(x), chol(x)) }, logp(numbers, 1)},
		"rows":          {func(x Node) Node { return MVNormalCholeskyLogProb(rows(x), mu(x), chol(x)) }, logp(numbers, 0, 1, 2, 3)},
		"data":          {func(x Node) Node { return MVNormalCholeskyLogProb(y, mu(x), chol(x)) }, logp(numbers, 0, 1, 2, 3)},
		"known mean":    {func(x Node) Node { return MVNormalCholeskyLogProb(y, numbers, chol(x)) }, logp(numbers, 0, 1, 2, 3)},
		"scalar mean":   {func(x Node) Node { return MVNormalCholeskyLogProb(y, 0.3, chol(x)) }, logp([]float64{0.3}, 0, 1, 2, 3)},
		"mean of y":     {func(x Node) Node { return MVNormalCholeskyLogProb(rows(x), rows(x), chol(x)) }, -2*math.Log(mat.Det(sigma)) - 6*math.Log(2*math.Pi)},
		"standard, one": {func(x Node) Node { return MVNormalCholeskyLogProb(x.Slice(0, 1), 0, mat.NewDense(1, 1, []float64{2})) }, -x[0]*x[0]/8 - math.Log(2) - logSqrt2Pi},
	} {
		t.Run(name, func(t *testing.T) {
			near(t, valuesOf(t, c.f, x), []float64{c.want}, 1e-13)
			checkDerivatives(t, c.f, x)
		})
	}
}

func TestMatrixErrors(t *testing.T) {
	for want, f := range map[string]func(x Node) Node{
		"autodiff: MatMul: b is a 2×2 matrix, a is a 3×1 matrix; want matrices with one inner dimension":         func(x Node) Node { return MatMul(x.Matrix(3, 1), mat.NewDense(2, 2, nil)).Sum() },
		"autodiff: MatMul: a is a vector of 3; want a matrix":                                                    func(x Node) Node { return MatMul(x, x).Sum() },
		"autodiff: Cholesky: a is a 3×1 matrix; want a square matrix":                                            func(x Node) Node { return Cholesky(x.Matrix(3, 1)).Sum() },
		"autodiff: TriSolve: b is a vector of 3, l is a 2×2 matrix; want a vector or a matrix with as many rows": func(x Node) Node { return TriSolve(mat.NewDense(2, 2, nil), x).Sum() },
		"autodiff: AddDiag: d is a vector of 3, a is a 2×2 matrix; want a scalar or a vector of 2":               func(x Node) Node { return AddDiag(mat.NewDense(2, 2, nil), x).Sum() },
		"autodiff: Diagonal: the node is a 1×3 matrix; want a square matrix":                                     func(x Node) Node { return x.Matrix(1, 3).Diagonal().Sum() },
		"autodiff: Outer: u is a 3×1 matrix; want a vector":                                                      func(x Node) Node { return Outer(x.Matrix(3, 1), x).Sum() },
		"autodiff: MVNormalCholeskyLogProb: mu is a vector of 2 beside a vector of 3; want a scalar, a vector with an element a dimension, or the shape of y": func(x Node) Node {
			return MVNormalCholeskyLogProb(x, []float64{1, 2}, mat.NewDense(3, 3, nil))
		},
		"autodiff: MVNormalCholeskyLogProb: y is a vector of 3, l is a 2×2 matrix; want as many elements, in each row of a matrix, as l has rows": func(x Node) Node {
			return MVNormalCholeskyLogProb(x, 0, mat.NewDense(2, 2, nil))
		},
	} {
		if _, err := New(3, f); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	// A matrix that is not positive definite is traced back to its parameter.
	fn, err := New(1, func(x Node) Node {
		rho := x.At(0).Label("rho")
		c := AddDiag(Outer(Concat(rho, 1), []float64{1, 1}), 0.1)
		return MVNormalCholeskyLogProb([]float64{1, 2}, 0, Cholesky(c)).Label("likelihood")
	})
	if err != nil {
		t.Fatal(err)
	}
	got := fn.Explain([]float64{-3})
	if want := `autodiff: term "likelihood": Cholesky[0]([0] -2.9) is NaN; it depends on rho`; got == nil || got.Error() != want {
		t.Errorf("got  %v\nwant %s", got, want)
	}
}
