package mixture

import (
	"math"
	"slices"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/mat"
)

// Of five components at two places three are too many, and each is named once.
func TestMixtureCheckNamesCopiesOnce(t *testing.T) {
	var comps []Component
	for _, mu := range []float64{0, 3, 0, 3, 0} {
		comps = append(comps, mogNormal(t, []float64{mu}, 1))
	}
	var got [][2]int
	for _, i := range mogNew(t, Options{}, nil, comps...).Check() {
		got = append(got, [2]int{i.Component, i.Other})
	}
	if want := [][2]int{{0, 2}, {1, 3}, {0, 4}}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}

func TestMixtureCheckAndReseed(t *testing.T) {
	m := mogNew(t, Options{}, []float64{0.5, 0.4999, 0.0001}, mogNormal(t, []float64{0, 0}, 1, 0, 0, 0.25), mogNormal(t, []float64{0.01, 0}, 1, 0, 0, 0.25), mogNormal(t, []float64{40, 1}, 1e14, 0, 0, 1))
	still := make([]float64, m.NumParams())
	var cond expfam.Condition
	for range 2 * watchEvery {
		c, err := m.Retract(still, 0.1)
		if err != nil {
			t.Fatal(err)
		}
		cond |= c
	}
	found := map[IssueKind]bool{}
	for _, i := range m.Check() {
		found[i.Kind] = true
		if i.String() == "" || i.Kind != Coinciding && i.Component != 2 {
			t.Errorf("unexpected finding %v", i)
		}
	}
	if !found[Dead] || !found[Coinciding] || !found[Narrowing] || cond&expfam.Collapsed == 0 {
		t.Errorf("found %v and %v, want all kinds and the condition", found, cond)
	}
	if err := m.SetOptions(Options{Reseed: true}); err != nil {
		t.Fatal(err)
	}
	for range watchEvery {
		if _, err := m.Retract(still, 0.1); err != nil {
			t.Fatal(err)
		}
	}
	w := m.Weights(nil)
	top, dead := m.Component(0).(*expfam.Normal), m.Component(2).(*expfam.Normal)
	a, b := top.Mean(nil), dead.Mean(nil)
	if math.Abs(w[2]-w[0]) > 1e-12 || math.Abs(w[2]-0.25) > 0.01 || !mat.EqualApprox(top.Cov(nil), dead.Cov(nil), 1e-9) {
		t.Errorf("weights %v and covariances %v, %v, want a copy with half of the weight", w, top.Cov(nil), dead.Cov(nil))
	}
	if math.Abs(math.Abs(a[1]-b[1])-2) > 1e-9 || math.Abs(a[0]-b[0]) > 1e-9 {
		t.Errorf("means %v and %v, want them one sd of 2 apart along the second axis", a, b)
	}
}
