package constraint_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/natgrad/natgrad/constraint"
)

// all has every kind of constraint, in small and larger sizes.
func all() []constraint.Constraint {
	inf := math.Inf(1)
	return []constraint.Constraint{
		constraint.Real(), constraint.Positive(), constraint.Lower(2), constraint.Lower(-1e3), constraint.Upper(0), constraint.Upper(7),
		constraint.Interval(0, 1), constraint.Interval(-1, 1), constraint.Interval(-3, 0), constraint.Interval(100, 101), constraint.Interval(-inf, 4),
		constraint.Ordered(1), constraint.Ordered(2), constraint.Ordered(5), constraint.PositiveOrdered(1), constraint.PositiveOrdered(4),
		constraint.Simplex(2), constraint.Simplex(3), constraint.Simplex(7),
		constraint.CorrCholesky(2), constraint.CorrCholesky(3), constraint.CorrCholesky(5),
		constraint.Correlation(2), constraint.Correlation(3), constraint.Correlation(5),
		constraint.CovCholesky(1), constraint.CovCholesky(3), constraint.Covariance(1), constraint.Covariance(2), constraint.Covariance(4),
	}
}

func elementwise(c constraint.Constraint) bool { return c.Dims() == nil }

// normals fills x with draws of standard deviation sd.
func normals(rng *rand.Rand, x []float64, sd float64) []float64 {
	for i := range x {
		x[i] = sd * rng.NormFloat64()
	}
	return x
}

func TestSizes(t *testing.T) {
	for _, c := range all() {
		n := 1
		for _, d := range c.Dims() {
			n *= d
		}
		if c.Size() != n || c.FreeSize() < 1 || c.FreeSize() > n {
			t.Errorf("%v: dims %v, size %d, free size %d", c, c.Dims(), c.Size(), c.FreeSize())
		}
		if elementwise(c) && (c.Size() != 1 || c.FreeSize() != 1) {
			t.Errorf("%v: size %d, free size %d", c, c.Size(), c.FreeSize())
		}
	}
}

// x → y → x loses nothing but the rounding of y, which is 1e-16 of its largest
// element or bound.
func TestRoundTripFromFree(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range all() {
		tol := 1e-12
		switch c.String() {
		case "interval(100, 101)", "lower(-1000)": // bounds large beside the distance from them
			tol = 1e-11
		case "correlation(5)", "covariance(4)": // a factorization with its condition number
			tol = 1e-10
		}
		roundTrip(t, c, rng, 1, tol)
	}
	// Where a small distance from a bound is an element of y itself, or the rest of
	// a row, nothing is lost far out either.
	for _, c := range []constraint.Constraint{
		constraint.Real(), constraint.Positive(), constraint.Upper(0), constraint.PositiveOrdered(1),
		constraint.Simplex(2), constraint.Simplex(7), constraint.CorrCholesky(2), constraint.CorrCholesky(5), constraint.CovCholesky(3),
	} {
		roundTrip(t, c, rng, 30, 1e-14)
	}
}

func roundTrip(t *testing.T, c constraint.Constraint, rng *rand.Rand, sd, tol float64) {
	t.Helper()
	x, back, y := make([]float64, c.FreeSize()), make([]float64, c.FreeSize()), make([]float64, c.Size())
	for range 300 {
		c.Constrain(y, normals(rng, x, sd))
		if err := c.Unconstrain(back, y); err != nil {
			t.Fatalf("%v at x = %v: %v", c, x, err)
		}
		for i := range x {
			if d := math.Abs(back[i] - x[i]); !(d <= tol*max(1, math.Abs(x[i]))) {
				t.Fatalf("%v: x[%d] = %v comes back as %v, y = %v", c, i, x[i], back[i], y)
			}
		}
	}
}

// y → x → y holds every element to 1e-12 relative, however near to a bound.
func TestRoundTripFromConstrained(t *testing.T) {
	tiny, one := 1e-300, math.Nextafter(1, 0)
	for _, tc := range []struct {
		c constraint.Constraint
		y []float64
	}{
		{constraint.Real(), []float64{-1e300, -tiny, 0, 1e300}},
		{constraint.Positive(), []float64{tiny, 1, 1e300}},
		{constraint.Lower(2), []float64{math.Nextafter(2, 3), 3, 1e200}},
		{constraint.Upper(-1), []float64{-1e200, -1.5, math.Nextafter(-1, -2)}},
		{constraint.Interval(0, 1), []float64{5e-324, tiny, 1e-20, 0.5, 0.75, one}},
		{constraint.Interval(-1, 0), []float64{-one, -0.5, -1e-20, -tiny}},
		{constraint.Interval(-1e150, 1e-150), []float64{-1e149, -1, 1e-151}},
		{constraint.Ordered(4), []float64{-2, -1, 1, 1e10}},
		{constraint.Ordered(3), []float64{5e-324, 1e-200, 1e200}},
		{constraint.PositiveOrdered(3), []float64{tiny, 1e-200, 1e200}},
		{constraint.Simplex(3), []float64{1e-200, 1, tiny}},
		{constraint.Simplex(3), []float64{0.2, 0.3, 0.5}},
		{constraint.CorrCholesky(2), []float64{1, 0, 1, tiny}},
		{constraint.CorrCholesky(3), []float64{1, 0, 0, -0.6, 0.8, 0, 1e-200, -1, 1e-100}},
		{constraint.Correlation(2), []float64{1, 1 - 1e-9, 1 - 1e-9, 1}},
		{constraint.Correlation(3), []float64{1, 0.5, -0.3, 0.5, 1, 0.25, -0.3, 0.25, 1}},
		{constraint.CovCholesky(2), []float64{tiny, 0, -1e300, 1e300}},
		{constraint.Covariance(2), []float64{1e-100, 0.4, 0.4, 1e102}},
	} {
		c := tc.c
		n := len(tc.y)
		back, x := make([]float64, n), make([]float64, c.FreeSize())
		if elementwise(c) {
			x = make([]float64, n)
		}
		if err := c.Unconstrain(x, tc.y); err != nil {
			t.Errorf("%v: %v", c, err)
			continue
		}
		if logJac := c.Constrain(back, x); math.IsNaN(logJac) || math.IsInf(logJac, 0) {
			t.Errorf("%v at x = %v: log-Jacobian %v", c, x, logJac)
		}
		for i, v := range tc.y {
			if !(math.Abs(back[i]-v) <= 1e-12*math.Abs(v)) {
				t.Errorf("%v: y[%d] = %v comes back as %v, x = %v", c, i, v, back[i], x)
			}
		}
	}
}

// free lists the elements of y that vary independently.
func free(c constraint.Constraint) []int {
	var idx []int
	k := 1
	if d := c.Dims(); len(d) > 0 {
		k = d[0]
	}
	diagonal := c.FreeSize() == k*(k+1)/2
	for i := range c.Size() {
		switch {
		case len(c.Dims()) < 2:
			if i < c.FreeSize() {
				idx = append(idx, i)
			}
		case i%k < i/k || diagonal && i%k == i/k:
			idx = append(idx, i)
		}
	}
	return idx
}

// The log-Jacobian is the log-determinant of the differentiated map.
func TestLogJacobian(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, c := range all() {
		n := c.FreeSize()
		idx := free(c)
		if len(idx) != n {
			t.Fatalf("%v: %d independent elements, %d coordinates", c, len(idx), n)
		}
		x, up, down, y := make([]float64, n), make([]float64, c.Size()), make([]float64, c.Size()), make([]float64, c.Size())
		jac := mat.NewDense(n, n, nil)
		for range 5 {
			normals(rng, x, 1)
			got := c.Constrain(y, x)
			const h = 1e-3
			for j := range n {
				at := x[j]
				diff := func(h float64, i int) float64 {
					x[j] = at + h
					c.Constrain(up, x)
					x[j] = at - h
					c.Constrain(down, x)
					x[j] = at
					return (up[idx[i]] - down[idx[i]]) / (2 * h)
				}
				for i := range n {
					jac.Set(i, j, (4*diff(h/2, i)-diff(h, i))/3)
				}
			}
			want, _ := mat.LogDet(jac)
			if math.Abs(got-want) > 2e-8*(1+math.Abs(want)) {
				t.Errorf("%v at %v: log-Jacobian %v, differences give %v", c, x, got, want)
			}
		}
	}
}

// ∫ |∂y/∂x| dx is the volume of the constrained set. The trapezoidal rule
// converges exponentially for these integrands, which are analytic and fall off
// exponentially.
func TestVolumes(t *testing.T) {
	for _, tc := range []struct {
		c           constraint.Constraint
		step, reach float64
		want        float64
	}{
		{constraint.Interval(0, 1), 0.75, 36, 1},
		{constraint.Interval(-2, 5), 0.75, 36, 7},
		{constraint.Simplex(2), 0.75, 36, 1},
		{constraint.Simplex(3), 0.75, 30, 1.0 / 2},
		{constraint.Simplex(4), 0.75, 28, 1.0 / 6},
		{constraint.CorrCholesky(2), 0.375, 15, 2},
		{constraint.CorrCholesky(3), 0.375, 12, 2 * math.Pi},
		{constraint.Correlation(2), 0.375, 15, 2},
		{constraint.Correlation(3), 0.375, 12, math.Pi * math.Pi / 2}, // Rousseeuw and Molenberghs 1994, The American Statistician 48
	} {
		n := tc.c.FreeSize()
		x, y := make([]float64, n), make([]float64, tc.c.Size())
		sum := 0.0
		var integrate func(i int)
		integrate = func(i int) {
			if i == n {
				sum += math.Exp(tc.c.Constrain(y, x))
				return
			}
			for x[i] = -tc.reach; x[i] <= tc.reach; x[i] += tc.step {
				integrate(i + 1)
			}
		}
		integrate(0)
		if got := sum * math.Pow(tc.step, float64(n)); math.Abs(got-tc.want) > 1e-8*tc.want {
			t.Errorf("%v: volume %v, want %v", tc.c, got, tc.want)
		}
	}
}

// Points that follow from the definitions by hand.
func TestDefinitions(t *testing.T) {
	th := math.Tanh(0.5)
	for _, tc := range []struct {
		c    constraint.Constraint
		x, y []float64
		jac  float64
	}{
		{constraint.Positive(), []float64{0, 1}, []float64{1, math.E}, 1},
		{constraint.Lower(2), []float64{0}, []float64{3}, 0},
		{constraint.Upper(2), []float64{0}, []float64{1}, 0},
		{constraint.Interval(-1, 1), []float64{0}, []float64{0}, -math.Ln2},
		{constraint.Ordered(3), []float64{-1, 0, 0}, []float64{-1, 0, 1}, 0},
		{constraint.PositiveOrdered(2), []float64{0, 0}, []float64{1, 2}, 0},
		{constraint.Simplex(4), []float64{0, 0, 0}, []float64{0.25, 0.25, 0.25, 0.25},
			math.Log(1./4*3./4) + math.Log(1./3*2./3*3./4) + math.Log(1./4*1./2)},
		{constraint.CorrCholesky(3), []float64{0.5, 0, 0.5}, []float64{1, 0, 0, th, math.Sqrt(1 - th*th), 0, 0, th, math.Sqrt(1 - th*th)}, 2 * math.Log(1-th*th)},
		{constraint.Correlation(2), []float64{0.5}, []float64{1, th, th, 1}, math.Log(1 - th*th)},
		{constraint.CovCholesky(2), []float64{0, 3, math.Ln2}, []float64{1, 0, 3, 2}, math.Ln2},
		{constraint.Covariance(2), []float64{0, 3, math.Ln2}, []float64{1, 3, 3, 13}, 4 * math.Ln2},
	} {
		y := make([]float64, len(tc.y))
		jac := tc.c.Constrain(y, tc.x)
		if math.Abs(jac-tc.jac) > 1e-14 {
			t.Errorf("%v: log-Jacobian %v at %v, want %v", tc.c, jac, tc.x, tc.jac)
		}
		for i, v := range tc.y {
			if math.Abs(y[i]-v) > 1e-15*(1+math.Abs(v)) {
				t.Errorf("%v: y = %v at %v, want %v", tc.c, y, tc.x, tc.y)
				break
			}
		}
	}
}

// The log-Jacobian stays finite, and the values in their closed bounds, for huge x.
func TestHugeCoordinates(t *testing.T) {
	for _, c := range all() {
		x, y := make([]float64, c.FreeSize()), make([]float64, c.Size())
		for _, v := range []float64{-1e6, -800, 40, 800, 1e6} {
			for i := range x {
				x[i] = v
			}
			jac := c.Constrain(y, x)
			if math.IsNaN(jac) || math.IsInf(jac, 0) {
				t.Errorf("%v: log-Jacobian %v at %v", c, jac, v)
			}
			for i, w := range y {
				if math.IsNaN(w) && c.String()[:3] != "cov" {
					t.Errorf("%v: y[%d] is NaN at %v", c, i, v)
				}
			}
		}
	}
	y := make([]float64, 1)
	c := constraint.Interval(0.1, 0.7)
	if c.Constrain(y, []float64{50}); y[0] != 0.7 {
		t.Errorf("%v: %v at 50", c, y[0])
	}
}

func TestConstrainAllocates(t *testing.T) {
	for _, c := range all() {
		x, y := make([]float64, c.FreeSize()), make([]float64, c.Size())
		if n := testing.AllocsPerRun(10, func() { c.Constrain(y, x) }); n != 0 {
			t.Errorf("%v: Constrain makes %v allocations", c, n)
		}
	}
}

func TestNames(t *testing.T) {
	for _, tc := range []struct {
		c       constraint.Constraint
		kind    string
		element []string // of "p"
		free    []string
	}{
		{constraint.Real(), "real", []string{"p"}, []string{"p"}},
		{constraint.Positive(), "positive", []string{"p"}, []string{"log(p)"}},
		{constraint.Lower(0), "positive", nil, []string{"log(p)"}},
		{constraint.Lower(math.Inf(-1)), "real", nil, []string{"p"}},
		{constraint.Lower(2), "lower(2)", nil, []string{"log(p-2)"}},
		{constraint.Lower(-0.5), "lower(-0.5)", nil, []string{"log(p+0.5)"}},
		{constraint.Upper(3), "upper(3)", nil, []string{"log(3-p)"}},
		{constraint.Upper(0), "upper(0)", nil, []string{"log(-p)"}},
		{constraint.Interval(0, 1), "interval(0, 1)", []string{"p"}, []string{"logit(p)"}},
		{constraint.Interval(0, 5), "interval(0, 5)", nil, []string{"logit(p/5)"}},
		{constraint.Interval(-1, 1), "interval(-1, 1)", nil, []string{"logit((p+1)/2)"}},
		{constraint.Ordered(3), "ordered(3)", []string{"p[1]", "p[2]", "p[3]"}, []string{"p[1]", "log(p[2]-p[1])", "log(p[3]-p[2])"}},
		{constraint.PositiveOrdered(2), "positive_ordered(2)", nil, []string{"log(p[1])", "log(p[2]-p[1])"}},
		{constraint.Simplex(4), "simplex(4)", []string{"p[1]", "p[2]", "p[3]", "p[4]"},
			[]string{"logit(p[1])+log(3)", "logit(p[2]/sum(p[2:4]))+log(2)", "logit(p[3]/sum(p[3:4]))"}},
		{constraint.CorrCholesky(3), "corr_cholesky(3)", []string{"p[1,1]", "p[1,2]", "p[1,3]", "p[2,1]", "p[2,2]", "p[2,3]", "p[3,1]", "p[3,2]", "p[3,3]"},
			[]string{"atanh(p[2,1])", "atanh(p[3,1])", "atanh(p[3,2]/norm(p[3,2:3]))"}},
		{constraint.Correlation(4), "correlation(4)", nil,
			[]string{"atanh(p[2,1])", "atanh(p[3,1])", "atanh(p[3,2|1])", "atanh(p[4,1])", "atanh(p[4,2|1])", "atanh(p[4,3|1:2])"}},
		{constraint.CovCholesky(2), "cov_cholesky(2)", nil, []string{"log(p[1,1])", "p[2,1]", "log(p[2,2])"}},
		{constraint.Covariance(2), "covariance(2)", nil, []string{"log(chol(p)[1,1])", "chol(p)[2,1]", "log(chol(p)[2,2])"}},
	} {
		if tc.c.String() != tc.kind {
			t.Errorf("String is %v, want %v", tc.c, tc.kind)
		}
		for i, want := range tc.element {
			if got := tc.c.ElementName("p", i); got != want {
				t.Errorf("%v: element %d is %q, want %q", tc.c, i, got, want)
			}
		}
		if len(tc.free) != tc.c.FreeSize() {
			t.Errorf("%v: %d names for %d coordinates", tc.c, len(tc.free), tc.c.FreeSize())
		}
		for i, want := range tc.free {
			if got := tc.c.FreeName("p", i); got != want {
				t.Errorf("%v: coordinate %d is %q, want %q", tc.c, i, got, want)
			}
		}
	}
}

func TestViolations(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, tc := range []struct {
		c     constraint.Constraint
		y     []float64
		index int
		want  string
	}{
		{constraint.Real(), []float64{1, nan}, 1, "constraint: real: y[2] is NaN, want a finite number"},
		{constraint.Positive(), []float64{0}, 0, "constraint: positive: y is 0, want > 0"},
		{constraint.Positive(), []float64{inf}, 0, "constraint: positive: y is +Inf, want a finite number"},
		{constraint.Lower(2), []float64{3, 2}, 1, "constraint: lower(2): y[2] is 2, want > 2"},
		{constraint.Upper(2), []float64{2}, 0, "constraint: upper(2): y is 2, want < 2"},
		{constraint.Upper(1e308), []float64{-1e308}, 0, "constraint: upper(1e+308): y is -1e+308, want a finite distance from the bound"},
		{constraint.Interval(0, 1), []float64{1}, 0, "constraint: interval(0, 1): y is 1, want between 0 and 1, bounds excluded"},
		{constraint.Ordered(3), []float64{1, 1, 2}, 1, "constraint: ordered(3): y[2] is 1, want > y[1] = 1"},
		{constraint.Ordered(2), []float64{-1e308, 1e308}, 1, "constraint: ordered(2): y[2] is 1e+308, want a finite distance from y[1] = -1e+308"},
		{constraint.PositiveOrdered(2), []float64{0, 1}, 0, "constraint: positive_ordered(2): y[1] is 0, want > 0"},
		{constraint.Simplex(3), []float64{0.5, 0.5, 0}, 2, "constraint: simplex(3): y[3] is 0, want > 0"},
		{constraint.Simplex(2), []float64{0.5, 0.75}, -1, "constraint: simplex(2): the sum of y is 1.25, want 1"},
		{constraint.CorrCholesky(2), []float64{1, 0.5, 0, 1}, 1, "constraint: corr_cholesky(2): y[1,2] is 0.5, want 0 (a lower triangle)"},
		{constraint.CorrCholesky(2), []float64{1, 0, 0.6, -0.8}, 3, "constraint: corr_cholesky(2): y[2,2] is -0.8, want > 0"},
		{constraint.CorrCholesky(2), []float64{1, 0, 3, 4}, -1, "constraint: corr_cholesky(2): the length of row 2 of y is 5, want 1"},
		{constraint.Correlation(2), []float64{1, 0.5, 0.25, 1}, 1, "constraint: correlation(2): y[1,2] is 0.5, want y[2,1] = 0.25 (symmetry)"},
		{constraint.Correlation(2), []float64{1, 0, 0, 2}, 3, "constraint: correlation(2): y[2,2] is 2, want 1"},
		{constraint.Correlation(2), []float64{1, 1, 1, 1}, -1, "constraint: correlation(2): pivot 2 of the Cholesky factor of y is 0, want > 0 (a positive definite matrix)"},
		{constraint.CovCholesky(2), []float64{1, 0, 0, 0}, 3, "constraint: cov_cholesky(2): y[2,2] is 0, want > 0"},
		{constraint.CovCholesky(2), []float64{1, 2, 0, 1}, 1, "constraint: cov_cholesky(2): y[1,2] is 2, want 0 (a lower triangle)"},
		{constraint.Covariance(2), []float64{-1, 0, 0, 1}, 0, "constraint: covariance(2): y[1,1] is -1, want > 0"},
		{constraint.Covariance(2), []float64{1, 2, 2, 1}, -1, "constraint: covariance(2): pivot 2 of the Cholesky factor of y is -3, want > 0 (a positive definite matrix)"},
		{constraint.Covariance(2), []float64{1, 0, inf, 1}, 2, "constraint: covariance(2): y[2,1] is +Inf, want a finite number"},
	} {
		n := tc.c.FreeSize()
		if elementwise(tc.c) {
			n = len(tc.y)
		}
		x := slices.Repeat([]float64{7}, n)
		err := tc.c.Unconstrain(x, tc.y)
		var v *constraint.ViolationError
		if !errors.As(err, &v) || err.Error() != tc.want || v.Index != tc.index || v.Constraint != tc.c.String() {
			t.Errorf("%v of %v: %v (%+v), want %s", tc.c, tc.y, err, v, tc.want)
		}
		for _, w := range x {
			if w != 7 {
				t.Errorf("%v of %v: dst is %v after the error", tc.c, tc.y, x)
			}
		}
	}
	err := constraint.Simplex(2).Unconstrain(make([]float64, 1), []float64{2, -1})
	if got := err.(*constraint.ViolationError).Named(constraint.Simplex(2), "theta").Error(); got != "constraint: simplex(2): theta[2] is -1, want > 0" {
		t.Errorf("Named: %s", got)
	}
}

// Wrong arguments of constructors and wrong lengths panic.
func TestMisuse(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for want, f := range map[string]func(){
		"constraint: Lower: lo is NaN, want a number":                                               func() { constraint.Lower(nan) },
		"constraint: Lower: lo is +Inf, want a number":                                              func() { constraint.Lower(inf) },
		"constraint: Upper: hi is -Inf, want a number":                                              func() { constraint.Upper(-inf) },
		"constraint: Interval: hi is 1, want > lo = 1":                                              func() { constraint.Interval(1, 1) },
		"constraint: Interval: hi is 1e+308, want a finite distance from lo = -1e+308":              func() { constraint.Interval(-1e308, 1e308) },
		"constraint: Ordered: K is 0, want 1 or more":                                               func() { constraint.Ordered(0) },
		"constraint: Simplex: K is 1, want 2 or more":                                               func() { constraint.Simplex(1) },
		"constraint: CorrCholesky: K is 1, want 2 or more":                                          func() { constraint.CorrCholesky(1) },
		"constraint: Covariance: K is -1, want 1 or more":                                           func() { constraint.Covariance(-1) },
		"constraint: positive.Constrain: dst has length 1, want 2; x has length 2, want 2":          func() { constraint.Positive().Constrain(make([]float64, 1), make([]float64, 2)) },
		"constraint: simplex(3).Constrain: dst has length 3, want 3; x has length 3, want 2":        func() { constraint.Simplex(3).Constrain(make([]float64, 3), make([]float64, 3)) },
		"constraint: correlation(2).Unconstrain: dst has length 1, want 1; y has length 3, want 4":  func() { constraint.Correlation(2).Unconstrain(make([]float64, 1), make([]float64, 3)) },
		"constraint: cov_cholesky(2).Unconstrain: dst has length 4, want 3; y has length 4, want 4": func() { constraint.CovCholesky(2).Unconstrain(make([]float64, 4), make([]float64, 4)) },
		"constraint: ordered(2).Unconstrain: dst has length 0, want 2; y has length 2, want 2":      func() { constraint.Ordered(2).Unconstrain(nil, make([]float64, 2)) },
		"constraint: corr_cholesky(2).Constrain: dst has length 4, want 4; x has length 2, want 1":  func() { constraint.CorrCholesky(2).Constrain(make([]float64, 4), make([]float64, 2)) },
	} {
		func() {
			defer func() {
				if r := recover(); r == nil || fmt.Sprint(r) != want {
					t.Errorf("panic %v, want %s", r, want)
				}
			}()
			f()
		}()
	}
}
