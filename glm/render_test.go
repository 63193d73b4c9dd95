package glm

import (
	"context"
	"strings"
	"testing"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
)

func TestRender(t *testing.T) {
	df := dataframe.New(series.New([]float64{1, 2, 3, 4, 5.5}, series.Float, "<b>"), series.New([]float64{1, 3, 2, 5, 4}, series.Float, "y"))
	f, err := Fit(context.Background(), "y ~ `<b>`", df, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"(Intercept)", "<b>", "sigma", "prior", "ELBO", "k-hat"} {
		if !strings.Contains(f.String(), want) {
			t.Errorf("text lacks %q:\n%s", want, f)
		}
	}
	page := f.SimpleRender()["text/html"].(string)
	if strings.Contains(page, "<b>") || !strings.Contains(page, "&lt;b&gt;") {
		t.Errorf("names are not escaped: %s", page)
	}
	var none *Result
	if none.String() != "no fit" || none.SimpleRender()["text/plain"] != "no fit" {
		t.Error("a nil result must render")
	}
}
