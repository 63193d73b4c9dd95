package special

import (
	"math"
	"math/rand/v2"
	"testing"
)

// near complains unless got is within tol·max(|want|, floor) of want.
func near(t *testing.T, what string, x, got, want, tol, floor float64) {
	t.Helper()
	if math.IsNaN(want) && math.IsNaN(got) || got == want {
		return
	}
	if !(math.Abs(got-want) <= tol*max(math.Abs(want), floor)) {
		t.Errorf("%s(%v) is %.17g, want %.17g (relative error %.2g)", what, x, got, want, math.Abs(got/want-1))
	}
}

const tol = 4e-15

func TestPolygamma(t *testing.T) {
	for _, r := range polygamma {
		near(t, "Digamma", r.x, Digamma(r.x), r.psi, tol, 0)
		near(t, "LogMinusDigamma", r.x, LogMinusDigamma(r.x), r.logMinusPsi, tol, 0)
		near(t, "Trigamma", r.x, Trigamma(r.x), r.psi1, tol, 0)
		near(t, "TrigammaMinusInv", r.x, TrigammaMinusInv(r.x), r.psi1MinusInv, tol, 0)
		near(t, "Tetragamma", r.x, Tetragamma(r.x), r.psi2, tol, 0)
		near(t, "StirlingError", r.x, StirlingError(r.x), r.stirling, tol, 0.05)
		near(t, "ShapeEntropy", r.x, ShapeEntropy(r.x), r.shapeEntropy, tol, 1)
		near(t, "MvDigamma 1", r.x, MvDigamma(1, r.x), r.psi, tol, 0)
	}
	for _, r := range negative {
		near(t, "Digamma", r.x, Digamma(r.x), r.psi, 1e-13, 1)
		near(t, "Trigamma", r.x, Trigamma(r.x), r.psi1, 1e-13, 1)
	}
}

func TestPolygammaEdges(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, r := range []struct {
		name      string
		got, want float64
	}{
		{"Digamma(0)", Digamma(0), -inf},
		{"Digamma(-0)", Digamma(math.Copysign(0, -1)), inf},
		{"Digamma(-3)", Digamma(-3), nan},
		{"Digamma(NaN)", Digamma(nan), nan},
		{"Digamma(-Inf)", Digamma(-inf), nan},
		{"Digamma(Inf)", Digamma(inf), inf},
		{"Trigamma(0)", Trigamma(0), inf},
		{"Trigamma(-2)", Trigamma(-2), nan},
		{"Trigamma(NaN)", Trigamma(nan), nan},
		{"Trigamma(Inf)", Trigamma(inf), 0},
		{"Tetragamma(-1)", Tetragamma(-1), nan},
		{"LogMinusDigamma(0)", LogMinusDigamma(0), nan},
		{"LogMinusDigamma(Inf)", LogMinusDigamma(inf), 0},
		{"StirlingError(-1)", StirlingError(-1), nan},
		{"Lgamma(-1.5)", Lgamma(-1.5), nan},
		{"LgammaDelta(1, -2)", LgammaDelta(1, -2), nan},
		{"LogMvGamma(3, 1)", LogMvGamma(3, 1), nan},
		{"MvDigamma(3, 1)", MvDigamma(3, 1), nan},
		{"InvDigamma(NaN)", InvDigamma(nan), nan},
		{"InvDigamma(Inf)", InvDigamma(inf), inf},
		{"InvDigamma(-Inf)", InvDigamma(-inf), 0},
		{"InvLogMinusDigamma(0)", InvLogMinusDigamma(0), nan},
		{"InvLogMinusDigamma(NaN)", InvLogMinusDigamma(nan), nan},
		{"InvLogMinusDigamma(Inf)", InvLogMinusDigamma(inf), 0},
		{"LogSumExp()", LogSumExp(nil), -inf},
		{"LogSumExp(-Inf)", LogSumExp([]float64{-inf, -inf}), -inf},
		{"LogSumExp(Inf)", LogSumExp([]float64{1, inf}), inf},
		{"LogSumExp(NaN)", LogSumExp([]float64{1, nan, 2}), nan},
		{"LogNormalCDF(-Inf)", LogNormalCDF(-inf), -inf},
		{"LogNormalCDF(Inf)", LogNormalCDF(inf), 0},
		{"LogNormalCDF(NaN)", LogNormalCDF(nan), nan},
		{"NormalHazard(-Inf)", NormalHazard(-inf), inf},
		{"NormalHazard(Inf)", NormalHazard(inf), 0},
		{"Log1pExp(-Inf)", Log1pExp(-inf), 0},
		{"Log1pExp(Inf)", Log1pExp(inf), inf},
		{"Sigmoid(-Inf)", Sigmoid(-inf), 0},
		{"Sigmoid(Inf)", Sigmoid(inf), 1},
	} {
		if r.got != r.want && !(math.IsNaN(r.got) && math.IsNaN(r.want)) {
			t.Errorf("%s is %v, want %v", r.name, r.got, r.want)
		}
	}
}

// TestInverses goes through 36 decades. What an inverse can reach is the
// rounding of its argument over the elasticity of the function.
func TestInverses(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 4000 {
		a := math.Pow(10, -18+36*rng.Float64())
		near(t, "InvLogMinusDigamma", a, InvLogMinusDigamma(LogMinusDigamma(a)), a, 4e-15, 0)
		y := Digamma(a)
		bound := 4e-15 + 2e-16*math.Abs(y)/(a*Trigamma(a))
		near(t, "InvDigamma", a, InvDigamma(y), a, bound, 0)
	}
	for y := -50.; y < 45; y += 0.01 { // through the root of ψ
		near(t, "Digamma of InvDigamma", y, Digamma(InvDigamma(y)), y, 1e-15, 4)
	}
}

func TestLgammaDifferences(t *testing.T) {
	for _, r := range lgammaPairs {
		d := r.b - r.a
		// b − a is rounded where it is not small.
		slack := 2e-16 * math.Abs(d*Digamma(r.b))
		near(t, "LgammaDelta", r.a, LgammaDelta(r.a, d), r.delta, 1e-14, slack/1e-14)
		near(t, "LogBeta", r.a, LogBeta(r.a, r.b), r.logBeta, 4e-15, 0)
		near(t, "LogBeta swapped", r.a, LogBeta(r.b, r.a), r.logBeta, 4e-15, 0)
		near(t, "LgammaBregman", r.a, LgammaBregman(r.a, r.b), r.bregman, 2e-14, 0)
		near(t, "ShapeKL", r.a, ShapeKL(r.a, r.b), r.shapeKL, 2e-14, 0)
		// b − a is exact in these pairs, or its rounding relative to itself small.
		if math.Abs(d) <= 0.3*r.a {
			near(t, "DigammaDelta", r.a, DigammaDelta(r.a, d), r.psiDelta, 4e-15, 0)
			near(t, "TrigammaDelta", r.a, TrigammaDelta(r.a, d), r.psi1Delta, 4e-15, 0)
		} else {
			near(t, "DigammaDelta", r.a, DigammaDelta(r.a, d), r.psiDelta, 1e-14, 0)
			near(t, "TrigammaDelta", r.a, TrigammaDelta(r.a, d), r.psi1Delta, 2e-14, 0)
		}
	}
}

// TestBregmanSeam compares the two branches of the divergences where they meet.
func TestBregmanSeam(t *testing.T) {
	for _, a := range []float64{1e-3, 0.4, 3, 11, 1e3, 1e6} {
		for _, f := range []float64{0.7, 1.3} {
			in, out := a*(1+(f-1)*(1-1e-9)), a*(1+(f-1)*(1+1e-9))
			near(t, "LgammaBregman", a, LgammaBregman(a, in), LgammaBregman(a, out), 1e-8, 0)
			near(t, "ShapeKL", a, ShapeKL(a, in), ShapeKL(a, out), 1e-8, 0)
		}
	}
}

func TestMultivariate(t *testing.T) {
	for _, r := range multivariate {
		near(t, "LogMvGamma", r.a, LogMvGamma(r.p, r.a), r.lgamma, tol, 1)
		near(t, "MvDigamma", r.a, MvDigamma(r.p, r.a), r.psi, tol, 1)
		near(t, "MvTrigamma", r.a, MvTrigamma(r.p, r.a), r.psi1, tol, 0)
	}
}

func TestNormalTails(t *testing.T) {
	for _, r := range normalTails {
		near(t, "LogNormalCDF", r.x, LogNormalCDF(r.x), r.logCDF, tol, 0)
		near(t, "NormalHazard", r.x, NormalHazard(r.x), r.hazard, tol, 0)
	}
	if v := LogNormalCDF(-1e160); math.IsNaN(v) || v > -1e300 {
		t.Errorf("LogNormalCDF(-1e160) is %v", v)
	}
}

func TestElementary(t *testing.T) {
	for _, r := range elementary {
		near(t, "Log1pExp", r.x, Log1pExp(r.x), r.log1pexp, tol, 0)
		near(t, "Sigmoid", r.x, Sigmoid(r.x), r.sigmoid, tol, 0)
		near(t, "Expm1mx", r.x, Expm1mx(r.x), r.expm1mx, tol, 0)
		if !math.IsNaN(r.log1pmx) {
			near(t, "Log1pmx", r.x, Log1pmx(r.x), r.log1pmx, tol, 0)
		}
	}
	near(t, "LogSumExp", 1000, LogSumExp([]float64{1000, 1000, math.Inf(-1)}), 1000+math.Ln2, 1e-16, 0)
	near(t, "LogSumExp", -3, LogSumExp([]float64{-3}), -3, 0, 0)
}
