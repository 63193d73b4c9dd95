package mixture

import (
	"errors"
	"testing"

	"github.com/natgrad/natgrad/expfam"
)

// A product has the methods of a Component whatever its parts are; a discrete one
// must be refused by New, not by a panic in the first step.
func TestNewRefusesDiscreteParts(t *testing.T) {
	a, _ := expfam.NewPoisson(1)
	b, _ := expfam.NewGamma(1, 1)
	p, err := expfam.NewProduct(a, b)
	if err != nil {
		t.Fatal(err)
	}
	var e *ComponentError
	if _, err := New(nil, p); !errors.As(err, &e) || e.Index != 0 {
		t.Errorf("New(nil, product with a Poisson part): %v, want a *ComponentError for component 0", err)
	}
}
