package expfam

import (
	"fmt"
	"strings"
	"testing"
)

func TestNormalString(t *testing.T) {
	if got, want := fmt.Sprint(StandardNormal(2)), "normal(0 ± 1, 0 ± 1)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := StandardNormal(100).String(); strings.Count(got, "±") != textCoords || !strings.Contains(got, "100 coordinates") {
		t.Errorf("%q is not the head of 100 coordinates", got)
	}
	var none *Normal
	if none.String() != (&Normal{}).String() {
		t.Error("nil and zero values differ")
	}
}
