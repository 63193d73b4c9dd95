package la

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

const bigPrec = 256

func bf(x float64) *big.Float { return new(big.Float).SetPrec(bigPrec).SetFloat64(x) }
func bnew() *big.Float        { return new(big.Float).SetPrec(bigPrec) }

// bigExp is e^x by Taylor's series at x/2^k and k squarings.
func bigExp(x *big.Float) *big.Float {
	k := max(x.MantExp(nil)+8, 0)
	y := bnew().SetMantExp(x, -k)
	sum, term := bf(1), bf(1)
	for i := 1; i < 60; i++ {
		term.Mul(term, y)
		term.Quo(term, bf(float64(i)))
		sum.Add(sum, term)
	}
	for range k {
		sum.Mul(sum, sum)
	}
	return sum
}

// bigLog is log x by 2·atanh((m−1)/(m+1)) of the significand.
func bigLog(x *big.Float) *big.Float {
	series := func(m *big.Float) *big.Float {
		u := bnew().Quo(bnew().Sub(m, bf(1)), bnew().Add(m, bf(1)))
		u2 := bnew().Mul(u, u)
		sum := bnew()
		for j := 1; j < 260; j += 2 {
			sum.Add(sum, bnew().Quo(u, bf(float64(j))))
			u.Mul(u, u2)
		}
		return sum.Mul(sum, bf(2))
	}
	m := bnew()
	k := x.MantExp(m)
	if m.Cmp(bf(0.7)) < 0 {
		m.Mul(m, bf(2))
		k--
	}
	return bnew().Add(series(m), bnew().Mul(bf(float64(k)), series(bf(2))))
}

// ulps is |got − want| in units in the last place of want.
func ulps(got float64, want *big.Float) float64 {
	w, _ := want.Float64()
	if math.IsInf(w, 0) || math.IsInf(got, 0) {
		if got == w {
			return 0
		}
		return math.Inf(1)
	}
	a := math.Abs(w)
	u := math.Nextafter(a, math.Inf(1)) - a
	d, _ := bnew().Sub(bf(got), want).Float64()
	return math.Abs(d) / u
}

type elementwise struct {
	name  string
	f     func(dst, x []float64) []float64
	math  func(float64) float64
	exact func(x *big.Float) *big.Float
	draw  func(rng *rand.Rand) float64
}

func sigOnly(dst, x []float64) []float64 {
	dst = sized("test", dst, len(x))
	Logistic(dst, make([]float64, len(x)), x)
	return dst
}

func softOnly(dst, x []float64) []float64 {
	dst = sized("test", dst, len(x))
	Logistic(make([]float64, len(x)), dst, x)
	return dst
}

func functions() []elementwise {
	one := bf(1)
	exp := bigExp
	expm1 := func(x *big.Float) *big.Float { return bnew().Sub(exp(x), one) }
	log1p := func(x *big.Float) *big.Float { return bigLog(bnew().Add(x, one)) }
	sig := func(x *big.Float) *big.Float { e := exp(x); return bnew().Quo(e, bnew().Add(e, one)) }
	soft := func(x *big.Float) *big.Float { return log1p(exp(x)) }
	tanh := func(x *big.Float) *big.Float {
		e := exp(bnew().Add(x, x))
		return bnew().Quo(bnew().Sub(e, one), bnew().Add(e, one))
	}
	mSig := func(x float64) float64 {
		if x < 0 {
			return math.Exp(x) / (1 + math.Exp(x))
		}
		return 1 / (1 + math.Exp(-x))
	}
	mSoft := func(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }
	// Magnitudes spread over the exponents that matter to each function.
	spread := func(lo, hi float64) func(*rand.Rand) float64 {
		return func(rng *rand.Rand) float64 {
			v := math.Ldexp(1+rng.Float64(), int(lo+(hi-lo)*rng.Float64()))
			if rng.IntN(2) == 0 {
				return -v
			}
			return v
		}
	}
	uniform := func(lo, hi float64) func(*rand.Rand) float64 {
		return func(rng *rand.Rand) float64 { return lo + (hi-lo)*rng.Float64() }
	}
	positive := func(rng *rand.Rand) float64 { return math.Ldexp(1+rng.Float64(), rng.IntN(2046)-1022) }
	above1 := func(rng *rand.Rand) float64 {
		v := spread(-50, 60)(rng)
		if v < 0 {
			return max(v/(1-v), -1+0x1p-53)
		}
		return v
	}
	return []elementwise{
		{"Exp", Exp, math.Exp, exp, uniform(-708, 709)},
		{"Exp near 0", Exp, math.Exp, exp, spread(-40, 3)},
		{"Expm1", Expm1, math.Expm1, expm1, uniform(-40, 40)},
		{"Expm1 near 0", Expm1, math.Expm1, expm1, spread(-40, 3)},
		{"Log", Log, math.Log, bigLog, positive},
		{"Log near 1", Log, math.Log, bigLog, uniform(0.5, 2)},
		{"Log1p", Log1p, math.Log1p, log1p, above1},
		{"Log1p near 0", Log1p, math.Log1p, log1p, uniform(-0.5, 1)},
		{"Tanh", Tanh, math.Tanh, tanh, spread(-40, 5)},
		{"Sigmoid", Sigmoid, mSig, sig, uniform(-40, 40)},
		{"Sigmoid far", Sigmoid, mSig, sig, uniform(-708, 708)},
		{"Softplus", Softplus, mSoft, soft, uniform(-30, 40)},
		{"Softplus far", Softplus, mSoft, soft, uniform(-70, 708)},
		{"LogSigmoid", LogSigmoid, func(x float64) float64 { return -mSoft(-x) },
			func(x *big.Float) *big.Float { return bnew().Neg(soft(bnew().Neg(x))) }, uniform(-40, 30)},
		{"Logistic sigmoid", sigOnly, mSig, sig, spread(-30, 5)},
		{"Logistic softplus", softOnly, mSoft, soft, spread(-30, 5)},
	}
}

// Errors against 256-bit values stay below 2.5 ulp at random points, and the
// kernels stay close to package math (itself within about 2 ulp) on many more.
func TestElementwiseAccuracy(t *testing.T) {
	for _, c := range functions() {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(7, 8))
			x := make([]float64, 20011)
			for i := range x {
				x[i] = c.draw(rng)
			}
			got := c.f(nil, x)
			var worst, at, sweep float64
			for i, v := range x {
				if i < 250 {
					if u := ulps(got[i], c.exact(bf(v))); !(u <= worst) {
						worst, at = u, v
					}
				}
				if u := ulps(got[i], bf(c.math(v))); !(u <= sweep) {
					sweep = u
				}
			}
			if !(worst <= 2.5) {
				t.Errorf("error %.3g ulp at %v, want ≤ 2.5", worst, at)
			}
			if !(sweep <= 5) {
				t.Errorf("differs from package math by %.3g ulp, want ≤ 5", sweep)
			}
			t.Logf("worst %.2f ulp; against package math %.0f", worst, sweep)
		})
	}
}

// Every cell of the tables and both sides of their borders.
func TestElementwiseTableCells(t *testing.T) {
	var x []float64
	for j := -64; j <= 1100; j++ {
		b := float64(j) / 512
		x = append(x, b, math.Nextafter(b, -9), math.Nextafter(b, 9), b+1./1024)
	}
	for _, c := range functions() {
		var ok []float64
		for _, v := range x {
			if r := c.math(v); !math.IsNaN(r) && !math.IsInf(r, 0) {
				ok = append(ok, v)
			}
		}
		for i, g := range c.f(nil, ok) {
			if u := ulps(g, bf(c.math(ok[i]))); !(u <= 4) {
				t.Errorf("%s(%v) = %v differs from package math by %.3g ulp", c.name, ok[i], g, u)
			}
		}
	}
}

func TestElementwiseSpecial(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	weird := math.Float64frombits(0xfff80000000001ff) // negative, payload set
	neg0 := math.Copysign(0, -1)
	same := func(a, b float64) bool {
		return a == b && math.Signbit(a) == math.Signbit(b) || math.IsNaN(a) && math.IsNaN(b)
	}
	x := []float64{0, neg0, inf, -inf, nan, weird, 1, -1, 5e-324, -5e-324, 1e-310, 1e-300, 1e-20,
		708, 709.7, 709.79, 710, 1e308, -707.9, -708.5, -740, -745.1, -745.2, -746, -1e308, math.MaxFloat64, 354, -354}
	for _, c := range []struct {
		name string
		f    func(dst, x []float64) []float64
		want func(float64) float64
	}{
		{"Exp", Exp, math.Exp}, {"Expm1", Expm1, math.Expm1}, {"Log", Log, math.Log}, {"Log1p", Log1p, math.Log1p}, {"Tanh", Tanh, math.Tanh},
	} {
		for i, g := range c.f(nil, x) {
			w := c.want(x[i])
			if same(g, w) || !math.IsInf(w, 0) && math.Abs(g-w) <= 3*(math.Nextafter(math.Abs(w), inf)-math.Abs(w)) {
				continue
			}
			t.Errorf("%s(%v) = %v, want %v", c.name, x[i], g, w)
		}
	}
	in := []float64{inf, -inf, nan, weird, 0, neg0, 800, -800, -745, -720}
	sub := func(v float64) float64 { return math.Exp(v) }
	wantSig := []float64{1, 0, nan, nan, 0.5, 0.5, 1, 0, sub(-745), sub(-720)}
	wantSoft := []float64{inf, 0, nan, nan, math.Ln2, math.Ln2, 800, 0, sub(-745), sub(-720)}
	sig, soft := make([]float64, len(in)), make([]float64, len(in))
	Logistic(sig, soft, in)
	for i := range in {
		if !same(sig[i], wantSig[i]) {
			t.Errorf("sigmoid(%v) = %v, want %v", in[i], sig[i], wantSig[i])
		}
		if !same(soft[i], wantSoft[i]) {
			t.Errorf("softplus(%v) = %v, want %v", in[i], soft[i], wantSoft[i])
		}
	}
	if g := LogSigmoid(nil, []float64{inf, -inf, -800, nan}); g[0] != 0 || g[1] != -inf || g[2] != -800 || !math.IsNaN(g[3]) {
		t.Errorf("LogSigmoid at ±Inf, −800, NaN = %v", g)
	}
}

// dst may be x, lengths around the chunk size work, and the single functions
// give the bits of the fused one.
func TestElementwiseAliasAndLengths(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{0, 1, chunk - 1, chunk, chunk + 1, 3*chunk + 17} {
		x := make([]float64, n)
		for i := range x {
			x[i] = math.Abs(5 * rng.NormFloat64())
		}
		for _, c := range functions() {
			want := c.f(nil, x)
			y := append([]float64(nil), x...)
			c.f(y, y)
			for i := range y {
				if y[i] != want[i] {
					t.Fatalf("%s, n = %d: in place [%d] = %v, want %v", c.name, n, i, y[i], want[i])
				}
			}
		}
		ws, wp := Sigmoid(nil, x), Softplus(nil, x)
		sig, soft := append([]float64(nil), x...), make([]float64, n)
		Logistic(sig, soft, sig)
		soft2 := append([]float64(nil), x...)
		Logistic(make([]float64, n), soft2, soft2)
		only := make([]float64, n)
		Logistic(nil, only, x)
		Logistic(nil, nil, x)
		for i := range x {
			if sig[i] != ws[i] || soft[i] != wp[i] || soft2[i] != wp[i] || only[i] != wp[i] {
				t.Fatalf("Logistic differs from Sigmoid and Softplus at %v", x[i])
			}
		}
	}
	for _, f := range []func(){
		func() { Exp(make([]float64, 2), make([]float64, 3)) },
		func() { Logistic(make([]float64, 2), make([]float64, 3), make([]float64, 3)) },
		func() { Logistic(make([]float64, 3), make([]float64, 2), make([]float64, 3)) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic on a wrong length")
				}
			}()
			f()
		}()
	}
}

func TestElementwiseAllocs(t *testing.T) {
	x, d, e := make([]float64, 1000), make([]float64, 1000), make([]float64, 1000)
	for i := range x {
		x[i] = 0.001 + float64(i)/100
	}
	for _, c := range functions()[:14] {
		if n := testing.AllocsPerRun(5, func() { c.f(d, x) }); n != 0 {
			t.Errorf("%s allocates %v times", c.name, n)
		}
	}
	if n := testing.AllocsPerRun(5, func() { Logistic(d, e, x) }); n != 0 {
		t.Errorf("Logistic allocates %v times", n)
	}
}
