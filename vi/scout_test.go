package vi

import (
	"context"
	"errors"
	"math"
	"testing"
)

// On a quadratic Scout returns the target itself, from far away too.
func TestScoutQuadratic(t *testing.T) {
	target, p := quadraticTarget(t, 5, 6, false)
	far := []float64{30, -50, 10, 0, 100}
	for _, x0 := range [][]float64{nil, far} {
		n, err := Scout(context.Background(), target, x0, 1)
		if err != nil || len(n) != 1 || n[0].KLTo(p) > 0.05 {
			t.Errorf("from %v: %v, %v", x0, err, n)
		}
	}
}

// Of two modes it takes the one that holds the mass, not the higher one.
func TestScoutTakesTheMass(t *testing.T) {
	// 0.2·N(−3, 0.1²) + 0.8·N(3, 1): the first peak is higher.
	target := &Target{Dim: 1, Grad: func(dst, x []float64) float64 {
		v := 0.0
		for i, x := range x {
			a := math.Log(0.2) - math.Log(0.1) - (x+3)*(x+3)/0.02
			b := math.Log(0.8) - (x-3)*(x-3)/2
			top := math.Max(a, b)
			ea, eb := math.Exp(a-top), math.Exp(b-top)
			dst[i] = (-(x+3)/0.01*ea - (x-3)*eb) / (ea + eb)
			v += top + math.Log(ea+eb)
		}
		return v
	}}
	for seed := range uint64(5) {
		n, err := Scout(context.Background(), target, nil, seed)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range n[0].Mean(nil) {
			if math.Abs(m-3) > 0.5 {
				t.Errorf("seed %d: coordinate %d at %g, want 3", seed, i, m)
			}
		}
	}
}

// Two modes of equal mass are both returned.
func TestScoutModes(t *testing.T) {
	target := &Target{Dim: 2, Grad: func(dst, x []float64) float64 {
		a, b := -(x[0]+4)*(x[0]+4)/2, -(x[0]-4)*(x[0]-4)/2
		w := 1 / (1 + math.Exp(b-a))
		dst[0], dst[1] = -(x[0]+4)*w-(x[0]-4)*(1-w), -x[1]
		return math.Max(a, b) + math.Log1p(math.Exp(-math.Abs(a-b))) - x[1]*x[1]/2
	}}
	both := 0
	for seed := range uint64(10) {
		n, err := Scout(context.Background(), target, nil, seed)
		if err != nil {
			t.Fatal(err)
		}
		if len(n) == 2 && math.Abs(n[0].Mean(nil)[0]+n[1].Mean(nil)[0]) < 0.1 {
			both++
		}
	}
	if both < 7 { // four climbs miss one of two in an eighth of the runs
		t.Errorf("both modes found in %d of 10 runs", both)
	}
}

func TestScoutErrors(t *testing.T) {
	target, _ := quadraticTarget(t, 2, 1, false)
	if _, err := Scout(context.Background(), target, []float64{1}, 0); err == nil {
		t.Error("x0 of the wrong length: no error")
	}
	var se *SettingError
	if _, err := Scout(context.Background(), &Target{Dim: 1, LogProb: func([]float64) float64 { return 0 }}, nil, 0); !errors.As(err, &se) {
		t.Errorf("no gradient: %v", err)
	}
	var pe *PanicError
	if _, err := Scout(context.Background(), &Target{Dim: 1, Grad: func(dst, x []float64) float64 { panic("boom") }}, nil, 0); !errors.As(err, &pe) {
		t.Errorf("panic: %v", err)
	}
	if _, err := Scout(context.Background(), &Target{Dim: 1, Grad: func(dst, x []float64) float64 { dst[0] = 0; return math.Inf(-1) }}, nil, 0); err == nil {
		t.Error("density zero everywhere: no error")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Scout(ctx, target, nil, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
