package mixture

import (
	"strings"
	"testing"

	"github.com/natgrad/natgrad/expfam"
)

func TestMixtureString(t *testing.T) {
	m, err := New([]float64{0.25, 0.75}, expfam.StandardNormal(2), expfam.StandardNormal(2))
	if err != nil {
		t.Fatal(err)
	}
	want := "mixture of 2 in 2 dimensions\n0.2500 normal(0 ± 1, 0 ± 1)\n0.7500 normal(0 ± 1, 0 ± 1)"
	if got := m.String(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	var none *Mixture
	if !strings.Contains(none.String(), "no components") || none.String() != (&Mixture{}).String() {
		t.Error("nil and zero values are not empty")
	}
}
