package glm

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/integrate/quad"
)

// TestStirling compares the remainders with known values of the gamma
// function and its derivatives, and across the recurrence.
func TestStirling(t *testing.T) {
	const gamma = 0.57721566490153286060651209008240243
	for _, c := range []struct{ x, lgamma, digamma, trigamma float64 }{
		{1, 0, -gamma, math.Pi * math.Pi / 6},
		{0.5, 0.5 * math.Log(math.Pi), -gamma - 2*math.Ln2, math.Pi * math.Pi / 2},
		{2, 0, 1 - gamma, math.Pi*math.Pi/6 - 1},
		{0.25, math.Log(3.6256099082219083119), -gamma - math.Pi/2 - 3*math.Ln2, math.Pi*math.Pi + 8*0.91596559417721901505},
		{20, math.Log(121645100408832000), 2.9705239922421490509, 0.051270822935203117},
	} {
		s, d, v := stirling(c.x)
		if got := s + (c.x-0.5)*math.Log(c.x) - c.x + halfLog2Pi; !near(got, c.lgamma, 2e-14) {
			t.Errorf("log gamma at %g: %v, want %v", c.x, got, c.lgamma)
		}
		if got := d/c.x + math.Log(c.x); !near(got, c.digamma, 2e-14) {
			t.Errorf("digamma at %g: %v, want %v", c.x, got, c.digamma)
		}
		if got := (v + c.x) / (c.x * c.x); !near(got, c.trigamma, 2e-14) {
			t.Errorf("trigamma at %g: %v, want %v", c.x, got, c.trigamma)
		}
	}
	for _, x := range []float64{1e-300, 1e-9, 0.3, 3.7, 11.999999, 12.000001, 1e3, 1e9, 1e300} {
		s, d, v := stirling(x)
		lg, _ := math.Lgamma(x)
		if want := lg - ((x-0.5)*math.Log(x) - x + halfLog2Pi); math.Abs(s-want) > 1e-15*(400+math.Abs(x*math.Log(x))) {
			t.Errorf("remainder of log gamma at %g: %v, want %v", x, s, want)
		}
		if !(d >= -1.0000001 && d <= -0.5+1e-12) || !(v >= 0.5-1e-12 && v <= 1.0000001) {
			t.Errorf("remainders at %g: %v and %v, want them in [−1, −½] and [½, 1]", x, d, v)
		}
	}
}

// TestLogRising compares the closed form with the sums for whole y.
func TestLogRising(t *testing.T) {
	for _, phi := range []float64{1e-6, 0.1, 2.5, 30, 1e4, 1e9, 1e15} {
		at := newStirlingAt(phi)
		var want rising
		for k := 0.0; k < 2000; k++ {
			q := k / (phi + k)
			want.c += math.Log1p(k / phi)
			want.c1 -= q
			want.c2 += q * (1 - q)
			y := k + 1
			if y != 32 && y != 2000 {
				continue
			}
			got := logRising(y, &at)
			tol := 1e-13 * y
			if math.Abs(got.c-want.c) > tol*(1+math.Log1p(y/phi)) || math.Abs(got.c1-want.c1) > tol || math.Abs(got.c2-want.c2) > tol {
				t.Errorf("y = %g, phi = %g: %v, want %v", y, phi, got, want)
			}
		}
	}
}

// TestNormalTail compares with the integrals ∫ exp(−tu−u²/2) du over u > 0,
// whose inverse is the hazard at t and whose mean of u is hazard − t.
func TestNormalTail(t *testing.T) {
	for _, x := range []float64{0, 0.5, 1, 3, 5.999, 6, 6.001, 12, 37, 700, 1e4} {
		s := 1 / math.Max(1, x) // scale of the integrand
		w := func(u float64) float64 { return math.Exp(-x*u*s - 0.5*u*u*s*s) }
		var mass, first float64
		for lo := 0.0; lo < 60; lo += 2 {
			mass += quad.Fixed(w, lo, lo+2, 20, nil, 0)
			first += quad.Fixed(func(u float64) float64 { return u * w(u) }, lo, lo+2, 20, nil, 0)
		}
		_, q, h, g := normalTail(x)
		if want := 1 / (mass * s); math.Abs(h-want) > 3e-14*want {
			t.Errorf("hazard at %g: %v, want %v", x, h, want)
		}
		if want := first / mass * s; math.Abs(g-want) > 1e-12*want {
			t.Errorf("excess hazard at %g: %v, want %v", x, g, want)
		}
		if want := math.Log(mass*s) - 0.5*x*x - halfLog2Pi; math.Abs(logTail(x, q, h)-want) > 3e-14*(1+math.Abs(want)) {
			t.Errorf("log tail at %g: %v, want %v", x, logTail(x, q, h), want)
		}
	}
}

func TestLinks(t *testing.T) {
	for _, link := range linkNames {
		for _, p := range []float64{1e-12, 1e-3, 0.2, 0.5, 0.9, 0.9999} {
			if got := inverseLink(link, applyLink(link, p)); math.Abs(got-p) > 1e-12*p {
				t.Errorf("%s: inverse of the link at %g is %v", link, p, got)
			}
		}
		if lo, hi := inverseLink(link, -800), inverseLink(link, 800); lo != 0 || hi != 1 {
			t.Errorf("%s: limits %v and %v", link, lo, hi)
		}
	}
	// The two forms of the complementary log-log agree where they meet.
	a0, a1, a2 := cloglogUp(math.Log(0.01)-1e-12, 0.01*(1-1e-12))
	b0, b1, b2 := cloglogUp(math.Log(0.01)+1e-12, 0.01*(1+1e-12))
	if !near(a0, b0, 1e-11) || !near(a1, b1, 1e-11) || math.Abs(a2-b2) > 1e-11*math.Abs(b2) {
		t.Errorf("cloglog jumps: %v %v %v and %v %v %v", a0, a1, a2, b0, b1, b2)
	}
}
