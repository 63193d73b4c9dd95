package vi_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/mat"
)

// neck is v ~ normal(0, 1) and n arms x_i ~ normal(0, e^{a v}): a normal for a = 0, a funnel
// for a = 1.
func neck(n int, a float64) *vi.Target {
	return &vi.Target{Dim: n + 1, Names: append([]string{"v"}, make([]string, n)...), Grad: func(dst, x []float64) float64 {
		v := x[0]
		lp := -v*v/2 - float64(n+1)/2*math.Log(2*math.Pi) - float64(n)*a*v
		dst[0] = -v - float64(n)*a
		for i, y := range x[1:] {
			p := math.Exp(-2 * a * v)
			lp -= y * y * p / 2
			dst[0] += a * y * y * p
			dst[i+1] = -y * p
		}
		return lp
	}}
}

// cut is a fit whose draws are those of the target with v > from.
func cut(t *vi.Target, n int, a, from float64, seed uint64) *vi.Result {
	const rows = 4000
	rng := rand.New(rand.NewPCG(seed, 1))
	draws := mat.NewDense(rows, n+1, nil)
	r := &vi.Result{Draws: draws, KHat: 0.3, ESS: rows, LogP: make([]float64, rows), LogQ: make([]float64, rows), LogWeights: make([]float64, rows)}
	r.LogEvidence = math.Log(math.Erfc(from/math.Sqrt2) / 2)
	grad := make([]float64, n+1)
	for i := range rows {
		x := draws.RawRowView(i)
		for x[0] = rng.NormFloat64(); x[0] < from; {
			x[0] = rng.NormFloat64()
		}
		for k := range n {
			x[k+1] = math.Exp(a*x[0]) * rng.NormFloat64()
		}
		r.LogP[i] = t.Grad(grad, x)
		r.LogQ[i] = r.LogP[i] - r.LogEvidence
		r.LogWeights[i] = -math.Log(rows)
	}
	return r
}

// Draws that end in the neck of a funnel: what they lack is found and measured. Weights
// of these draws are all equal, so that k̂ and Spread see nothing.
func TestTailsNeck(t *testing.T) {
	const from, a = -1.2, 1.
	target := neck(8, a)
	r := cut(target, 8, a, from, 1)
	tails, evals, err := vi.Tails(context.Background(), target, r, 1)
	if err != nil || len(tails) == 0 || tails[0].Name != "v" || tails[0].Upper {
		t.Fatalf("want the lower tail of v, got %+v, %v", tails, err)
	}
	got := tails[0]
	// Against the normal distribution function, from six sds on to the slice's edge.
	mean, sd, err := r.Moments()
	if err != nil {
		t.Fatal(err)
	}
	cdf := func(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
	want := (cdf(got.From) - cdf(mean[0]-6.25*sd[0])) / (1 - cdf(from))
	if math.Abs(got.Share-want) > 4*got.ShareErr || got.ShareErr > 0.05*want {
		t.Errorf("share below %.2f is %.4f ± %.4f, exactly %.4f", got.From, got.Share, got.ShareErr, want)
	}
	if seen := (cdf(got.From) - cdf(from)) / (1 - cdf(from)); math.Abs(got.Seen-math.Max(seen, 0)) > 4*got.SeenErr {
		t.Errorf("seen %.4f ± %.4f, want %.4f", got.Seen, got.SeenErr, seen)
	}
	// The slices' part of ∫ ((v − mean)/sd)² over what was cut off.
	lost := 0.
	for k := 2.; k <= 6; k += 0.5 {
		mid := mean[0] - k*sd[0]
		hi, lo := mid+sd[0]/4, mid-sd[0]/4
		lost += k * k * (cdf(math.Min(hi, math.Max(lo, from))) - cdf(lo)) / (1 - cdf(from))
	}
	if math.Abs(got.Lost-lost) > 4*got.LostErr || got.Lost < 5*got.LostErr {
		t.Errorf("lost %.3f ± %.3f of the variance, want %.3f", got.Lost, got.LostErr, lost)
	}
	if evals > 20_000 {
		t.Errorf("%d evaluations", evals)
	}
	again, n, err := vi.Tails(context.Background(), target, r, 1)
	if err != nil || n != evals || !reflect.DeepEqual(again, tails) {
		t.Errorf("another call gives %+v after %d evaluations: %v", again, n, err)
	}
}

// Draws of the whole density are not found wanting, whether it is a funnel or a normal.
func TestTailsWhole(t *testing.T) {
	for _, a := range []float64{0, 0.3, 1} {
		for seed := range uint64(5) {
			target := neck(4, a)
			tails, _, err := vi.Tails(context.Background(), target, cut(target, 4, a, -40, seed), seed)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range tails {
				if x.Coord == 0 && x.Lost > 4*x.LostErr || x.Lost-2*x.LostErr > 0.1 {
					t.Errorf("a = %v, seed %d: %+v", a, seed, x)
				}
			}
		}
	}
}

func TestTailsErrors(t *testing.T) {
	ctx := context.Background()
	target := neck(2, 0)
	r := cut(target, 2, 0, -1, 1)
	var setting *vi.SettingError
	if _, _, err := vi.Tails(ctx, &vi.Target{Dim: 3, LogProb: func([]float64) float64 { return 0 }}, r, 0); !errors.As(err, &setting) {
		t.Errorf("no gradient: %v", err)
	}
	if _, _, err := vi.Tails(ctx, target, &vi.Result{KHat: math.NaN()}, 0); err == nil {
		t.Error("no draws: no error")
	}
	if _, _, err := vi.Tails(ctx, neck(3, 0), r, 0); err == nil {
		t.Error("another dimension: no error")
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, err := vi.Tails(ended, target, r, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	// A panic anywhere on the way is an error, and an undefined density the end of a tail.
	for at := range 200 {
		calls := 0
		broken := *target
		broken.Grad = func(dst, x []float64) float64 {
			if calls++; calls > at {
				panic("broken")
			}
			return target.Grad(dst, x)
		}
		var p *vi.PanicError
		if _, _, err := vi.Tails(ctx, &broken, r, 0); !errors.As(err, &p) {
			t.Fatalf("panic at call %d: %v", at, err)
		}
	}
	undefined := *target
	undefined.Grad = func(dst, x []float64) float64 {
		if x[0] < -1 {
			dst[0] = math.NaN()
			return math.NaN()
		}
		return target.Grad(dst, x)
	}
	tails, _, err := vi.Tails(ctx, &undefined, r, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range tails {
		if x.Coord == 0 || x.Lost-2*x.LostErr > 0.1 {
			t.Errorf("a density that ends at -1: %+v", x)
		}
	}
}

// One dimension has nothing beside its draws.
func TestTailsOneDimension(t *testing.T) {
	target := neck(0, 0)
	q := expfam.StandardNormal(1)
	r, err := vi.Judge(q, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	if tails, evals, err := vi.Tails(context.Background(), target, r, 0); err != nil || len(tails) > 0 || evals > 0 {
		t.Errorf("%+v, %d evaluations, %v", tails, evals, err)
	}
}
