package la

import (
	"fmt"
	"math"
	"sort"
	"testing"
)

// levels runs f with every kind of kernel of the machine.
func levels(t *testing.T, f func(t *testing.T)) {
	best := level
	defer func() { level = best }()
	for l := Portable; l <= best; l++ {
		level = l
		t.Run(l.String(), f)
	}
}

func TestNormalsBits(t *testing.T) {
	best := level
	defer func() { level = best }()
	for _, n := range []int{0, 1, 31, 32, 33, 64, 1000} {
		level = Portable
		want := make([]float32, n)
		Normals32(want, 7, uint64(n))
		for l := Portable; l <= best; l++ {
			level = l
			got, got64 := make([]float32, n), make([]float64, n)
			Normals32(got, 7, uint64(n))
			Normals(got64, 7, uint64(n))
			for i, v := range want {
				if math.Float32bits(got[i]) != math.Float32bits(v) || got64[i] != float64(v) {
					t.Fatalf("%v, n %d: number %d is %v and %v, portable %v", l, n, i, got[i], got64[i], v)
				}
			}
		}
	}
}

// The numbers before rounding differ from the exact transform by a few units of
// single precision.
func TestNormalsTransform(t *testing.T) {
	var s normalState
	s.seed(1, 2)
	var got [normalBlock]float32
	for range 20000 {
		c := s
		s.block(&got)
		for l := range normalLanes {
			a, b := c.next(l), c.next(l)
			r := math.Sqrt(-2 * math.Log((float64(a>>1)+0.5)*0x1p-31))
			x := math.Pi / 2 * float64(int32(b<<2)) * 0x1p-32
			sn, cs := math.Sincos(x)
			if b>>30&1 != 0 {
				cs = -cs
			}
			if b>>31 != 0 {
				sn, cs = cs, sn
			}
			// near u = 1 the rounding of u to 24 bits is what r sees
			tol := 3e-7*max(r, 1) + 1e-7/max(r, 1e-4)
			if math.Abs(float64(got[l])-r*cs) > tol || math.Abs(float64(got[l+normalLanes])-r*sn) > tol {
				t.Fatalf("%v %v, want %v %v", got[l], got[l+normalLanes], r*cs, r*sn)
			}
		}
	}
}

func TestNormalsDistribution(t *testing.T) {
	const n = 1 << 22
	x := make([]float64, n)
	Normals(x, 12345, 6)
	// moments: sd of the mean of x^k is sqrt(E x^2k − (E x^k)²)/√n
	even := []float64{1, 0, 1, 0, 3, 0, 15, 0, 105, 0, 945, 0, 10395}
	for k := 1; k <= 6; k++ {
		sum := 0.0
		for _, v := range x {
			sum += math.Pow(v, float64(k))
		}
		if z := (sum/n - even[k]) / math.Sqrt((even[2*k]-even[k]*even[k])/n); math.Abs(z) > 4 {
			t.Errorf("moment %d is %v standard errors off", k, z)
		}
	}
	// neighbours, the two numbers of a pair, lanes of other streams and seeds
	y := make([]float64, n)
	corr := func(what string, a, b []float64) {
		for _, p := range []float64{1, 2} { // of numbers and of squares
			sum := 0.0
			for i, v := range a {
				if p == 1 {
					sum += v * b[i]
				} else {
					sum += (v*v - 1) * (b[i]*b[i] - 1) / 2
				}
			}
			if z := sum / math.Sqrt(float64(len(a))); math.Abs(z) > 4 {
				t.Errorf("%s: correlation of powers %v is %v standard errors", what, p, z)
			}
		}
	}
	for _, lag := range []int{1, 2, 8, 15, 16, 17, 31, 32, 64} {
		corr(fmt.Sprint("lag ", lag), x[lag:], x[:n-lag])
	}
	Normals(y, 12345, 7)
	corr("next stream", x, y)
	Normals(y, 12346, 6)
	corr("next seed", x, y)
	Normals(y, 6, 12345)
	corr("seed and stream swapped", x, y)
	// Kolmogorov–Smirnov, and counts in the tails
	for _, c := range []float64{3, 4, 4.5} {
		p, count := math.Erfc(c/math.Sqrt2), 0.0
		for _, v := range x {
			if math.Abs(v) > c {
				count++
			}
		}
		if z := (count - n*p) / math.Sqrt(n*p); math.Abs(z) > 4.5 {
			t.Errorf("%v numbers beyond %v, want %v", count, c, n*p)
		}
	}
	sort.Float64s(x)
	d := 0.0
	for i, v := range x {
		f := 0.5 * math.Erfc(-v/math.Sqrt2)
		d = max(d, math.Abs(f-(float64(i)+0.5)/n))
	}
	if k := d * math.Sqrt(n); k > 1.95 { // P = 0.001
		t.Errorf("Kolmogorov–Smirnov statistic %v", k)
	}
}

// First numbers of many streams are as good as many numbers of one.
func TestNormalsStreams(t *testing.T) {
	const n = 200000
	for place := range 4 {
		sum, sum2, last, lag := 0.0, 0.0, 0.0, 0.0
		for i := range n {
			var x [4]float64
			Normals(x[:], 3, uint64(i))
			v := x[place]
			sum += v
			sum2 += v*v - 1
			lag += v * last
			last = v
		}
		if a, b, c := sum/math.Sqrt(n), sum2/math.Sqrt(2*n), lag/math.Sqrt(n); math.Abs(a) > 4 || math.Abs(b) > 4 || math.Abs(c) > 4 {
			t.Errorf("place %d: mean, variance, lag are %v, %v, %v standard errors off", place, a, b, c)
		}
	}
}

func BenchmarkNormals(b *testing.B) {
	x, y := make([]float64, 751), make([]float32, 751)
	best := level
	defer func() { level = best }()
	for l := Portable; l <= best; l++ {
		level = l
		b.Run("f64/"+l.String(), func(b *testing.B) {
			for b.Loop() {
				Normals(x, 1, 2)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/751, "ns/number")
		})
		b.Run("f32/"+l.String(), func(b *testing.B) {
			for b.Loop() {
				Normals32(y, 1, 2)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/751, "ns/number")
		})
	}
}
