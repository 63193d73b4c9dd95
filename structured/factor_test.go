package structured

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/mat"
)

// reference is what a factor does, written with dense matrices.
type reference struct {
	// algebra returns the element M of the algebra with the free numbers v.
	algebra func(v []float64) *mat.Dense
	// project returns Π(X) of a symmetric X.
	project func(x *mat.Dense) []float64
	// move returns the root after a step from b along the tangent v.
	move func(b *mat.Dense, v []float64, rho float64) *mat.Dense
	// fisher returns ⟨u, Fv⟩.
	fisher func(u, v []float64) float64
}

// withDefaults fills in move and fisher of a group whose step is B h(M).
func (r reference) withDefaults() reference {
	if r.move == nil {
		r.move = func(b *mat.Dense, v []float64, rho float64) *mat.Dense { return moved(b, r.algebra(v), rho) }
	}
	if r.fisher == nil {
		r.fisher = func(u, v []float64) float64 { return pairing(r.algebra(u), r.algebra(v)) }
	}
	return r
}

// moved returns B(I + N + N²/2) with N = rho·m.
func moved(b, m *mat.Dense, rho float64) *mat.Dense {
	var n, h, out mat.Dense
	n.Scale(rho, m)
	h.Mul(&n, &n)
	h.Scale(0.5, &h)
	h.Add(&h, &n)
	for i := range h.RawMatrix().Rows {
		h.Set(i, i, 1+h.At(i, i))
	}
	out.Mul(b, &h)
	return &out
}

// pairing returns ½ tr((M+M')(N+N')).
func pairing(m, n *mat.Dense) float64 {
	var a, b, c mat.Dense
	a.Add(m, m.T())
	b.Add(n, n.T())
	c.Mul(&a, &b)
	return 0.5 * mat.Trace(&c)
}

// denseRoot returns B, column by column.
func denseRoot(f Factor) *mat.Dense {
	p := f.Dim()
	b, e := mat.NewDense(p, p, nil), make([]float64, p)
	for j := range p {
		e[j] = 1
		b.SetCol(j, f.Mul(nil, e))
		e[j] = 0
	}
	return b
}

func normals(rng *rand.Rand, n int, sd float64) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = sd * rng.NormFloat64()
	}
	return v
}

func randomSym(rng *rand.Rand, p int) (*mat.SymDense, *mat.Dense) {
	s := mat.NewSymDense(p, nil)
	for i := range p {
		for j := range i + 1 {
			s.SetSym(i, j, rng.NormFloat64())
		}
	}
	return s, mat.DenseCopyOf(s)
}

// near fails unless got and want agree to tol relative to the largest of want.
func near(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	scale := 1.0
	for _, w := range want {
		scale = max(scale, math.Abs(w))
	}
	for i, g := range got {
		if !(math.Abs(g-want[i]) <= tol*scale) {
			t.Fatalf("%s[%d] = %.17g, want %.17g", what, i, g, want[i])
		}
	}
}

func panics(t *testing.T, what string, fn func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s of a wrong length does not panic", what)
		}
	}()
	fn()
}

// refused fails unless fn returns a DomainError and leaves f as it was.
func refused(t *testing.T, f Factor, what string, fn func() error) {
	t.Helper()
	before, logDet := f.Values(nil), f.LogDet()
	x := make([]float64, f.Dim())
	for i := range x {
		x[i] = 1 + float64(i)
	}
	solved := f.Solve(nil, x)
	var e *expfam.DomainError
	if err := fn(); !errors.As(err, &e) {
		t.Fatalf("%s: error %v, want a *DomainError", what, err)
	}
	if !slices.Equal(f.Values(nil), before) || f.LogDet() != logDet || !slices.Equal(f.Solve(nil, x), solved) {
		t.Fatalf("%s changed the receiver", what)
	}
}

// checkFactor holds every operation of f, an identity, against ref.
func checkFactor(t *testing.T, f Factor, ref reference) {
	t.Helper()
	ref = ref.withDefaults()
	rng := rand.New(rand.NewPCG(1, uint64(f.NumParams())))
	near(t, "identity", denseRoot(f).RawMatrix().Data, identity(f.Dim()).RawMatrix().Data, 0)
	if f.LogDet() != 0 {
		t.Fatalf("LogDet of the identity is %v", f.LogDet())
	}
	v := f.Values(nil)
	for i, e := range normals(rng, len(v), 0.3/math.Sqrt(float64(f.Dim()))) {
		v[i] += e
	}
	if err := f.SetValues(v); err != nil {
		t.Fatal(err)
	}
	near(t, "Values", f.Values(nil), v, 0)
	for range 3 {
		checkProducts(t, f, rng)
		checkProjections(t, f, ref, rng)
		checkMove(t, f, ref, rng)
	}
	checkRefusals(t, f, rng)
	checkCopies(t, f, rng)
	checkLengths(t, f)
	checkAllocs(t, f, rng)
}

func identity(p int) *mat.Dense {
	b := mat.NewDense(p, p, nil)
	for i := range p {
		b.Set(i, i, 1)
	}
	return b
}

func checkProducts(t *testing.T, f Factor, rng *rand.Rand) {
	t.Helper()
	p, b := f.Dim(), denseRoot(f)
	x := normals(rng, p, 1)
	var inv mat.Dense
	if err := inv.Inverse(b); err != nil {
		t.Fatal(err)
	}
	for _, op := range []struct {
		name string
		do   func(dst, x []float64) []float64
		m    mat.Matrix
	}{{"Mul", f.Mul, b}, {"MulTrans", f.MulTrans, b.T()}, {"Solve", f.Solve, &inv}, {"SolveTrans", f.SolveTrans, inv.T()}} {
		var want mat.VecDense
		want.MulVec(op.m, mat.NewVecDense(p, x))
		kept := slices.Clone(x)
		got := op.do(nil, x)
		near(t, op.name, got, want.RawVector().Data, 1e-12)
		if !slices.Equal(x, kept) {
			t.Fatalf("%s changes x", op.name)
		}
		dst := normals(rng, p, 1)
		if out := op.do(dst, x); &out[0] != &dst[0] || !slices.Equal(dst, got) {
			t.Fatalf("%s: dst holds %v, want %v", op.name, dst, got)
		}
		alias := slices.Clone(x)
		if op.do(alias, alias); !slices.Equal(alias, got) {
			t.Fatalf("%s in place is %v, want %v", op.name, alias, got)
		}
	}
	logDet, _ := mat.LogDet(b)
	near(t, "LogDet", []float64{f.LogDet()}, []float64{logDet}, 1e-12)
}

func checkProjections(t *testing.T, f Factor, ref reference, rng *rand.Rand) {
	t.Helper()
	p, n, w := f.Dim(), f.NumParams(), -0.7
	start := normals(rng, n, 1)
	check := func(what string, x *mat.Dense, add func(dst []float64)) {
		t.Helper()
		want := ref.project(x)
		for i := range want {
			want[i] = start[i] + w*want[i]
		}
		got := slices.Clone(start)
		add(got)
		near(t, what, got, want, 1e-12)
	}
	a, b := normals(rng, p, 1), normals(rng, p, 1)
	pair := mat.NewDense(p, p, nil)
	for i := range p {
		for j := range p {
			pair.Set(i, j, 0.5*(a[i]*b[j]+a[j]*b[i]))
		}
	}
	check("ProjectPair", pair, func(dst []float64) { f.ProjectPair(dst, a, b, w) })
	check("ProjectIdentity", identity(p), func(dst []float64) { f.ProjectIdentity(dst, w) })
	h, hd := randomSym(rng, p)
	var z, x mat.Dense
	root := denseRoot(f)
	if err := z.Solve(root, hd); err != nil {
		t.Fatal(err)
	}
	if err := x.Solve(root, z.T()); err != nil {
		t.Fatal(err)
	}
	check("ProjectHess", &x, func(dst []float64) { f.ProjectHess(dst, h, w) })

	// Fisher matrix, and Π as the natural gradient of X ↦ 2 tr(XM).
	_, y := randomSym(rng, p)
	u, v := ref.project(hd), ref.project(y)
	fv := f.FisherMul(nil, v)
	got, want := dot(u, fv), ref.fisher(u, v)
	near(t, "FisherMul", []float64{got}, []float64{want}, 1e-12*float64(n))
	var ym mat.Dense
	ym.Mul(y, ref.algebra(u))
	near(t, "F·Π(X)", []float64{got}, []float64{2 * mat.Trace(&ym)}, 1e-12*float64(n))
	alias := slices.Clone(v)
	if f.FisherMul(alias, alias); !slices.Equal(alias, fv) {
		t.Fatal("FisherMul in place differs")
	}
}

func checkMove(t *testing.T, f Factor, ref reference, rng *rand.Rand) {
	t.Helper()
	_, x := randomSym(rng, f.Dim())
	m := ref.project(x)
	for _, rho := range []float64{0.3 / float64(f.Dim()), -0.2 / float64(f.Dim())} {
		b := denseRoot(f)
		if err := f.Retract(m, rho); err != nil {
			t.Fatal(err)
		}
		near(t, "Retract", denseRoot(f).RawMatrix().Data, ref.move(b, m, rho).RawMatrix().Data, 1e-12)
	}
	// A root that is set to the numbers of another one is the same bit for bit.
	c := f.Clone()
	if err := c.Scale(3); err != nil {
		t.Fatal(err)
	}
	near(t, "Scale: LogDet", []float64{c.LogDet()}, []float64{f.LogDet() + float64(f.Dim())*math.Log(3)}, 1e-13)
	if err := c.SetValues(f.Values(nil)); err != nil {
		t.Fatal(err)
	}
	v := normals(rng, f.Dim(), 1)
	if c.LogDet() != f.LogDet() || !slices.Equal(c.Solve(nil, v), f.Solve(nil, v)) {
		t.Fatal("SetValues(Values) is another root")
	}
}

func checkRefusals(t *testing.T, f Factor, rng *rand.Rand) {
	t.Helper()
	n := f.NumParams()
	for i := range n {
		v, m := f.Values(nil), make([]float64, n)
		v[i] = math.NaN()
		m[i] = math.Inf(1)
		refused(t, f, "SetValues(NaN)", func() error { return f.SetValues(v) })
		refused(t, f, "Retract(Inf)", func() error { return f.Retract(m, 0.1) })
	}
	m := normals(rng, n, 1)
	refused(t, f, "SetValues(0)", func() error { return f.SetValues(make([]float64, n)) })
	for _, rho := range []float64{math.NaN(), math.Inf(-1), 1e200} {
		refused(t, f, "Retract", func() error { return f.Retract(m, rho) })
	}
	for _, c := range []float64{0, -1, math.NaN(), math.Inf(1), 1e-320} {
		refused(t, f, "Scale", func() error { return f.Scale(c) })
	}
}

func checkCopies(t *testing.T, f Factor, rng *rand.Rand) {
	t.Helper()
	c, before := f.Clone(), f.Values(nil)
	if c.Name() != f.Name() || c.Dim() != f.Dim() || c.LogDet() != f.LogDet() || !slices.Equal(c.Values(nil), before) {
		t.Fatal("Clone is another root")
	}
	m := make([]float64, f.NumParams())
	f.ProjectIdentity(m, 1)
	for range 2 {
		if err := c.Retract(m, 0.1); err != nil {
			t.Fatal(err)
		}
	}
	if slices.Equal(c.Values(nil), before) || !slices.Equal(f.Values(nil), before) {
		t.Fatal("Clone shares its numbers")
	}
	x := normals(rng, f.Dim(), 1)
	h, _ := randomSym(rng, f.Dim())
	read := func() []float64 {
		y := f.Solve(nil, f.MulTrans(nil, f.SolveTrans(nil, f.Mul(nil, x))))
		d := make([]float64, f.NumParams())
		f.ProjectHess(d, h, 1)
		return append(append(y, d...), f.LogDet())
	}
	want, got := read(), make([][]float64, 8)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() { got[i] = read() })
	}
	wg.Wait()
	for _, g := range got {
		if !slices.Equal(g, want) {
			t.Fatal("reading at the same time gives other numbers")
		}
	}
}

func checkLengths(t *testing.T, f Factor) {
	t.Helper()
	p, n := make([]float64, f.Dim()), make([]float64, f.NumParams())
	p1, n1 := make([]float64, f.Dim()+1), make([]float64, f.NumParams()+1)
	for name, op := range map[string]func(dst, x []float64) []float64{"Mul": f.Mul, "MulTrans": f.MulTrans, "Solve": f.Solve, "SolveTrans": f.SolveTrans} {
		panics(t, name+": dst", func() { op(p1, p) })
		panics(t, name+": x", func() { op(p, p1) })
	}
	panics(t, "Values: dst", func() { f.Values(n1) })
	panics(t, "SetValues: v", func() { _ = f.SetValues(n1) })
	panics(t, "Retract: m", func() { _ = f.Retract(n1, 1) })
	panics(t, "ProjectPair: dst", func() { f.ProjectPair(n1, p, p, 1) })
	panics(t, "ProjectPair: a", func() { f.ProjectPair(n, p1, p, 1) })
	panics(t, "ProjectPair: b", func() { f.ProjectPair(n, p, p1, 1) })
	panics(t, "ProjectIdentity: dst", func() { f.ProjectIdentity(n1, 1) })
	panics(t, "ProjectHess: dst", func() { f.ProjectHess(n1, mat.NewSymDense(f.Dim(), nil), 1) })
	panics(t, "ProjectHess: h", func() { f.ProjectHess(n, mat.NewSymDense(f.Dim()+1, nil), 1) })
	panics(t, "FisherMul: dst", func() { f.FisherMul(n1, n) })
	panics(t, "FisherMul: v", func() { f.FisherMul(n, n1) })
}

func checkAllocs(t *testing.T, f Factor, rng *rand.Rand) {
	t.Helper()
	x, dst, m := normals(rng, f.Dim(), 1), make([]float64, f.Dim()), make([]float64, f.NumParams())
	allocs := testing.AllocsPerRun(20, func() {
		clear(m)
		f.ProjectPair(m, x, x, -1e-3)
		f.ProjectIdentity(m, 1e-3)
		f.FisherMul(m, m)
		f.Mul(dst, x)
		f.MulTrans(dst, dst)
		f.SolveTrans(dst, dst)
		f.Solve(dst, dst)
		if err := f.Retract(m, 0.1); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("a step allocates %v times", allocs)
	}
}
