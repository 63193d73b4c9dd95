package la

import (
	"math"
	"math/rand/v2"
	"testing"
)

type elementwise32 struct {
	name   string
	f      func(dst, x []float32) []float32
	exact  func(dst, x []float64) []float64
	scalar func(float64) float64
}

func functions32() []elementwise32 {
	scalar := func(f func(dst, x []float64) []float64) func(float64) float64 {
		return func(v float64) float64 { return f(nil, []float64{v})[0] }
	}
	return []elementwise32{
		{"Exp32", Exp32, Exp, math.Exp}, {"Expm132", Expm132, Expm1, math.Expm1},
		{"Log32", Log32, Log, math.Log}, {"Log1p32", Log1p32, Log1p, math.Log1p},
		{"Tanh32", Tanh32, Tanh, math.Tanh},
		{"Sigmoid32", Sigmoid32, Sigmoid, scalar(Sigmoid)}, {"Softplus32", Softplus32, Softplus, scalar(Softplus)},
	}
}

// ulps32 is |got − want| in units in the last place of want in single precision.
func ulps32(got float32, want float64) float64 {
	w := float32(want)
	if math.IsNaN(want) || math.IsInf(float64(w), 0) || math.IsInf(float64(got), 0) {
		if got == w || math.IsNaN(want) && got != got {
			return 0
		}
		// next to overflow, the number and infinity are neighbours
		if max(math.Abs(float64(got)), math.Abs(float64(w))) > math.MaxFloat32 && min(math.Abs(float64(got)), math.Abs(float64(w))) >= 0x1.fffffcp127 {
			return 1
		}
		return math.Inf(1)
	}
	if w == 0 && got == 0 && math.Signbit(float64(w)) != math.Signbit(float64(got)) {
		return math.Inf(1)
	}
	e := -149
	if a := math.Abs(want); a >= 0x1p-126 {
		_, k := math.Frexp(a)
		e = k - 24
	}
	return math.Abs(float64(got)-want) / math.Ldexp(1, e)
}

// Every 1021st single-precision number, which takes in all exponents, subnormals,
// infinities and NaN, with all kinds of kernel.
func TestElementwise32Accuracy(t *testing.T) {
	const n = 4096
	x, x64, want, first := make([]float32, n), make([]float64, n), make([]float64, n), make([]float32, n)
	got := make([]float32, n)
	best := level
	defer func() { level = best }()
	for _, c := range functions32() {
		worst, at := 0.0, float32(0)
		for b := uint64(0); b < 1<<32; {
			for i := range x {
				x[i] = math.Float32frombits(uint32(b))
				x64[i] = float64(x[i])
				b += 1021
			}
			c.exact(want, x64)
			for l := Portable; l <= best; l++ {
				level = l
				c.f(got, x)
				if l > Portable {
					for i, v := range got {
						if math.Float32bits(v) != math.Float32bits(first[i]) && (v == v || first[i] == first[i]) {
							t.Fatalf("%s(%v) = %v with %v, portable %v", c.name, x[i], v, l, first[i])
						}
					}
					continue
				}
				copy(first, got)
				for i, v := range got {
					if u := ulps32(v, want[i]); !(u <= worst) {
						worst, at = u, x[i]
					}
				}
			}
		}
		if !(worst < 2) {
			t.Errorf("%s: error %v ulp at %v", c.name, worst, at)
		}
		t.Logf("%s: worst %.3f ulp at %v", c.name, worst, at)
	}
}

func TestElementwise32Special(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	neg0 := float32(math.Copysign(0, -1))
	x := []float32{0, neg0, inf, -inf, nan, math.Float32frombits(0xffc00001), 1, -1, math.Nextafter32(-1, 0), math.Nextafter32(-1, -2),
		1e-45, -1e-45, 1e-38, -1e-40, 0x1p-126, 0x1p-24, -0x1p-24, 88.72283, 88.72284, 89, 104, 128, 1000, -87.3, -87.4, -103.9, -104, -105, -1e30,
		math.MaxFloat32, -math.MaxFloat32, 17, -17, -18, 9.01, -9.02, 0x1p30, math.Nextafter32(0x1p30, 0), 0x1.6a09e6p127, 0x1.6a09e8p127}
	levels(t, func(t *testing.T) {
		for _, c := range functions32() {
			got := c.f(nil, x)
			for i, v := range x {
				if u := ulps32(got[i], c.scalar(float64(v))); !(u < 2) {
					t.Errorf("%s(%v) = %v, want %v", c.name, v, got[i], c.scalar(float64(v)))
				}
			}
		}
	})
}

// dst may be x, all lengths work, nothing beyond is written, no level allocates.
func TestElementwise32AliasAndLengths(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	best := level
	defer func() { level = best }()
	for _, c := range functions32() {
		for n := range 70 {
			x := make([]float32, n)
			for i := range x {
				x[i] = float32(math.Abs(5 * rng.NormFloat64()))
			}
			level = Portable
			want := c.f(nil, x)
			for l := Portable; l <= best; l++ {
				level = l
				y := append(append([]float32(nil), x...), 7, 7)
				c.f(y[:n], y[:n])
				for i, v := range want {
					if y[i] != v {
						t.Fatalf("%s, %v, n = %d: in place [%d] = %v, want %v", c.name, l, n, i, y[i], v)
					}
				}
				if y[n] != 7 || y[n+1] != 7 {
					t.Fatalf("%s, %v, n = %d: writes beyond the end", c.name, l, n)
				}
			}
		}
		x, d := make([]float32, 100), make([]float32, 100)
		if n := testing.AllocsPerRun(5, func() { c.f(d, x) }); n != 0 {
			t.Errorf("%s allocates %v times", c.name, n)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic on a wrong length", c.name)
				}
			}()
			c.f(make([]float32, 2), make([]float32, 3))
		}()
	}
}

func BenchmarkElementwise32(b *testing.B) {
	x, pos, dst := make([]float32, 1000), make([]float32, 1000), make([]float32, 1000)
	for i, v := range benchInput() {
		x[i], pos[i] = float32(v), float32(math.Exp(v))
	}
	best := level
	defer func() { level = best }()
	for _, c := range functions32() {
		in := x
		if c.name == "Log32" || c.name == "Log1p32" {
			in = pos
		}
		run := func(name string, f func()) {
			b.Run(c.name+"/"+name, func(b *testing.B) {
				for b.Loop() {
					f()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(x)), "ns/elem")
			})
		}
		for l := Portable; l <= best; l++ {
			level = l
			run(l.String(), func() { c.f(dst, in) })
		}
		run("float64 scalar", func() {
			for i, v := range in {
				dst[i] = float32(c.scalar(float64(v)))
			}
		})
	}
}
