package structured

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/mat"
)

// entry is the place of a free number in a p×p matrix.
type entry struct {
	i, j int
	off  bool // in an off-diagonal block, where Π doubles
}

// pattern returns the reference of a group whose free numbers are entries of
// the matrix.
func pattern(p int, at []entry) reference {
	return reference{
		algebra: func(v []float64) *mat.Dense {
			m := mat.NewDense(p, p, nil)
			for k, e := range at {
				m.Set(e.i, e.j, v[k])
			}
			return m
		},
		project: func(x *mat.Dense) []float64 {
			v := make([]float64, len(at))
			for k, e := range at {
				v[k] = x.At(e.i, e.j)
				if e.off {
					v[k] *= 2
				}
			}
			return v
		},
	}
}

// block lists the entries [r0,r1)×[c0,c1), by rows or by columns.
func block(at []entry, r0, r1, c0, c1 int, byRows, off bool) []entry {
	if byRows {
		for i := r0; i < r1; i++ {
			for j := c0; j < c1; j++ {
				at = append(at, entry{i, j, off})
			}
		}
		return at
	}
	for j := c0; j < c1; j++ {
		for i := r0; i < r1; i++ {
			at = append(at, entry{i, j, off})
		}
	}
	return at
}

// heisenbergEntries lists the numbers of HeisenbergUp and HeisenbergLow as
// their documentation does.
func heisenbergEntries(p, k1, k2 int, lower bool) (at []entry) {
	mid := p - k2
	first := func() { at = block(at, 0, k1, 0, k1, true, false) }
	last := func() { at = block(at, mid, p, mid, p, true, false) }
	diag := func() {
		for i := k1; i < mid; i++ {
			at = append(at, entry{i, i, false})
		}
	}
	if lower {
		last()
		first()
		at = block(at, mid, p, 0, k1, true, true)
		diag()
		at = block(at, mid, p, k1, mid, true, true)
		return block(at, k1, mid, 0, k1, false, true)
	}
	first()
	last()
	at = block(at, 0, k1, mid, p, true, true)
	diag()
	at = block(at, 0, k1, k1, mid, true, true)
	return block(at, k1, mid, mid, p, false, true)
}

func triangleEntries(p int) (at []entry) {
	for i := range p {
		for j := range i + 1 {
			at = append(at, entry{i, j, j < i})
		}
	}
	return at
}

func toeplitzReference(p int) reference {
	return reference{
		algebra: func(v []float64) *mat.Dense {
			m := mat.NewDense(p, p, nil)
			for i := range p {
				for j := range i + 1 {
					m.Set(i, j, v[i-j])
				}
			}
			return m
		},
		project: func(x *mat.Dense) []float64 {
			d := make([]float64, p)
			for i := range p {
				d[0] += x.At(i, i) / float64(p)
				for j := range i {
					d[i-j] += 2 * x.At(i, j) / float64(p-i+j)
				}
			}
			return d
		},
	}
}

func TestFactors(t *testing.T) {
	for _, c := range []struct {
		make func() (Factor, error)
		name string
		ref  reference
	}{
		{func() (Factor, error) { return Diagonal(5) }, "diagonal", pattern(5, heisenbergEntries(5, 0, 0, false))},
		{func() (Factor, error) { return Diagonal(1) }, "diagonal", pattern(1, heisenbergEntries(1, 0, 0, false))},
		{func() (Factor, error) { return Dense(1) }, "dense", pattern(1, heisenbergEntries(1, 1, 0, false))},
		{func() (Factor, error) { return Dense(6) }, "dense", pattern(6, heisenbergEntries(6, 6, 0, false))},
		{func() (Factor, error) { return Up(7, 2) }, "up(2)", pattern(7, heisenbergEntries(7, 2, 0, false))},
		{func() (Factor, error) { return Up(6, 0) }, "up(0)", pattern(6, heisenbergEntries(6, 0, 0, false))},
		{func() (Factor, error) { return Up(6, 6) }, "up(6)", pattern(6, heisenbergEntries(6, 6, 0, false))},
		{func() (Factor, error) { return Low(7, 2) }, "low(2)", pattern(7, heisenbergEntries(7, 2, 0, true))},
		{func() (Factor, error) { return Low(6, 6) }, "low(6)", pattern(6, heisenbergEntries(6, 6, 0, true))},
		{func() (Factor, error) { return HeisenbergUp(9, 2, 3) }, "heisenberg-up(2,3)", pattern(9, heisenbergEntries(9, 2, 3, false))},
		{func() (Factor, error) { return HeisenbergUp(5, 2, 3) }, "heisenberg-up(2,3)", pattern(5, heisenbergEntries(5, 2, 3, false))},
		{func() (Factor, error) { return HeisenbergUp(5, 0, 2) }, "heisenberg-up(0,2)", pattern(5, heisenbergEntries(5, 0, 2, false))},
		{func() (Factor, error) { return HeisenbergLow(9, 3, 2) }, "heisenberg-low(3,2)", pattern(9, heisenbergEntries(9, 3, 2, true))},
		{func() (Factor, error) { return HeisenbergLow(6, 1, 1) }, "heisenberg-low(1,1)", pattern(6, heisenbergEntries(6, 1, 1, true))},
		{func() (Factor, error) { return Cholesky(1) }, "cholesky", pattern(1, triangleEntries(1))},
		{func() (Factor, error) { return Cholesky(6) }, "cholesky", pattern(6, triangleEntries(6))},
		{func() (Factor, error) { return Toeplitz(1) }, "toeplitz", toeplitzReference(1)},
		{func() (Factor, error) { return Toeplitz(7) }, "toeplitz", toeplitzReference(7)},
	} {
		f, err := c.make()
		if err != nil {
			t.Fatal(err)
		}
		if f.Name() != c.name {
			t.Errorf("Name() = %q, want %q", f.Name(), c.name)
		}
		t.Run(c.name, func(t *testing.T) { checkFactor(t, f, c.ref) })
	}
}

// Long blocks go through several tiles, large ones through blocked kernels.
func TestLargeFactors(t *testing.T) {
	const long = tile + 7
	for _, c := range []struct {
		make func() (Factor, error)
		ref  reference
	}{
		{func() (Factor, error) { return HeisenbergUp(long, 1, 2) }, pattern(long, heisenbergEntries(long, 1, 2, false))},
		{func() (Factor, error) { return Dense(70) }, pattern(70, heisenbergEntries(70, 70, 0, false))},
		{func() (Factor, error) { return Cholesky(70) }, pattern(70, triangleEntries(70))},
	} {
		f, err := c.make()
		if err != nil {
			t.Fatal(err)
		}
		t.Run(f.Name(), func(t *testing.T) { checkLarge(t, f, c.ref) })
	}
}

// checkLarge is the part of checkFactor that the size can make a difference to.
func checkLarge(t *testing.T, f Factor, ref reference) {
	rng := rand.New(rand.NewPCG(5, 6))
	v := f.Values(nil)
	for i, e := range normals(rng, len(v), 0.02) {
		v[i] += e
	}
	if err := f.SetValues(v); err != nil {
		t.Fatal(err)
	}
	near(t, "layout", denseRoot(f).RawMatrix().Data, ref.algebra(v).RawMatrix().Data, 1e-14)
	checkProducts(t, f, rng)
	checkProjections(t, f, ref.withDefaults(), rng)
	checkMove(t, f, ref.withDefaults(), rng)
	last := len(v) - 1 // for a Heisenberg root, in the last tile of the last long block
	v[last] = math.NaN()
	refused(t, f, "Retract", func() error { return f.Retract(v, 0.1) })
}

func TestConstructors(t *testing.T) {
	for name, err := range map[string]error{
		"diagonal": second(Diagonal(0)), "dense": second(Dense(-1)), "cholesky": second(Cholesky(0)), "toeplitz": second(Toeplitz(0)),
		"up 0": second(Up(0, 0)), "up -1": second(Up(3, -1)), "up 4": second(Up(3, 4)), "low -1": second(Low(3, -1)), "low 4": second(Low(3, 4)),
		"heis up": second(HeisenbergUp(3, 2, 2)), "heis up -1": second(HeisenbergUp(3, -1, 2)),
		"heis low": second(HeisenbergLow(3, 2, 2)), "heis low -1": second(HeisenbergLow(3, 2, -1)),
	} {
		var e *expfam.DomainError
		if !errors.As(err, &e) {
			t.Errorf("%s: error %v, want a *DomainError", name, err)
		}
	}
}

func second(_ Factor, err error) error { return err }

// A pivot that is rounding error is 0; bad scales of rows and columns are not.
func TestDenseRegular(t *testing.T) {
	f, err := Dense(3)
	if err != nil {
		t.Fatal(err)
	}
	// Rank 2 in exact arithmetic, with pivots that do not cancel to 0.
	a, b := []float64{0.1, 0.7, 1.3}, []float64{1.1, -0.3, 0.9}
	v := make([]float64, 9)
	for i := range 3 {
		for j := range 3 {
			v[3*i+j] = a[i]*b[j] + b[i]*a[j]/3
		}
	}
	refused(t, f, "SetValues(rank 2)", func() error { return f.SetValues(v) })
	for i, s := range []float64{1e-60, 1, 1e80} {
		for j, c := range []float64{1e30, 1e-70, 1} {
			v[3*i+j] = s * c * float64(1+(i*i+2*j)%5)
		}
	}
	if err := f.SetValues(v); err != nil {
		t.Fatal(err)
	}
	x := []float64{1e-30, 1e70, 1}
	near(t, "Solve(Mul)", f.Solve(nil, f.Mul(nil, x)), x, 1e-13)
}

// A step of a dense root moves the precision to h(N)², exp(2N) to second order
// in rho, and keeps it positive definite for every rho.
func TestDensePrecision(t *testing.T) {
	f, err := Dense(4)
	if err != nil {
		t.Fatal(err)
	}
	h, g := randomSym(rand.New(rand.NewPCG(7, 8)), 4)
	m := make([]float64, 16)
	f.ProjectHess(m, h, 1)
	for _, rho := range []float64{1e-4, 0.5, 30} {
		c := f.Clone()
		if err := c.Retract(m, rho); err != nil {
			t.Fatal(err)
		}
		var s, want mat.Dense
		b := denseRoot(c)
		s.Mul(b, b.T())
		if rho < 1e-3 {
			// I + 2ρG + 2ρ²G² + O(ρ³)
			want.Mul(g, g)
			want.Scale(2*rho*rho, &want)
			var lin mat.Dense
			lin.Scale(2*rho, g)
			want.Add(&want, &lin)
			want.Add(&want, identity(4))
			near(t, "S", s.RawMatrix().Data, want.RawMatrix().Data, 1e-9)
		}
		var eig mat.EigenSym
		sym := mat.NewSymDense(4, nil)
		for i := range 4 {
			for j := range 4 {
				sym.SetSym(i, j, s.At(i, j))
			}
		}
		if !eig.Factorize(sym, false) || !(eig.Values(nil)[0] > 0) {
			t.Errorf("rho = %v: S has the eigenvalues %v", rho, eig.Values(nil))
		}
	}
}

// Determinants beyond the range of a float64 are sums of logarithms.
func TestLogDetRange(t *testing.T) {
	for _, d := range []float64{1e-300, 1e300, -1e-8, 7} {
		f, err := Diagonal(100)
		if err != nil {
			t.Fatal(err)
		}
		v := f.Values(nil)
		for i := range v {
			v[i] = d
		}
		if err := f.SetValues(v); err != nil {
			t.Fatal(err)
		}
		near(t, "LogDet", []float64{f.LogDet()}, []float64{100 * math.Log(math.Abs(d))}, 1e-13)
	}
}
