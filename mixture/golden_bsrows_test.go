package mixture

import (
	"encoding/json"
	"math"
	"testing"
)

func init() { closedFormRows["birnbaum_saunders"] = checkBirnbaumSaundersRow }

func checkBirnbaumSaundersRow(t *testing.T, raw json.RawMessage) {
	var r struct {
		Alpha, Beta, Entropy float64
		Natural, Expectation []float64
		Z                    []float64
		LogPDF               []float64 `json:"log_pdf"`
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	q, err := NewBirnbaumSaunders([]float64{r.Alpha}, []float64{r.Beta})
	if err != nil {
		t.Fatal(err)
	}
	near(t, 0, "natural", q.Natural(nil), r.Natural)
	near(t, 0, "expectation", q.Expectation(nil), r.Expectation)
	for i, z := range r.Z {
		near(t, 0, "log density", []float64{q.LogProb([]float64{z})}, r.LogPDF[i:i+1])
	}
	// The entropy by a trapezoid rule over the standard normal ε of Transform.
	entropy, x := 0.0, make([]float64, 1)
	for e := -10.0; e <= 10; e += 1. / 16 {
		q.Transform(x, []float64{e})
		entropy -= q.LogProb(x) * math.Exp(-e*e/2) / math.Sqrt(2*math.Pi) / 16
	}
	near(t, 0, "entropy", []float64{entropy}, []float64{r.Entropy})
}
