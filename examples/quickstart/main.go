// Quickstart fits a logistic regression to a CSV file, asks whether the result
// can be trusted, predicts new rows and draws two pictures.
//
// The data are 3020 households in Bangladesh whose well was found to hold too
// much arsenic: did they switch to a neighbour's well (switch), how far away was
// the nearest safe one (dist, in metres), and how much arsenic was in theirs
// (arsenic, in hundreds of µg/l)?
//
//	go run ./examples/quickstart
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/natgrad/natgrad/glm"
	"github.com/natgrad/natgrad/report"
)

func main() {
	data := flag.String("data", "examples/data/wells.csv", "data file")
	out := flag.String("o", "out", "folder for the pictures")
	flag.Parse()
	if err := run(os.Stdout, *data, *out); err != nil {
		log.Fatal(err)
	}
}

func run(w io.Writer, data, out string) error {
	wells, err := glm.ReadCSVFile(data)
	if err != nil {
		return err
	}
	model, err := glm.NewModel("switch ~ I(dist/100) + arsenic", wells, &glm.Options{Family: glm.Bernoulli("logit")})
	if err != nil {
		return err
	}
	fit, err := model.Fit(context.Background())
	if err != nil {
		return err
	}

	// The posterior, and whether to believe it.
	var coefs []report.Coef
	for _, r := range fit.Summary() {
		coefs = append(coefs, report.Coef{Name: r.Name, Mean: r.Mean, SD: r.SD, Q05: r.Q05, Q50: r.Q50, Q95: r.Q95})
	}
	fmt.Fprintf(w, "%s\n%s\n\n", report.NewCoefTable(coefs), fit.Verdict())

	// Two households that were not asked.
	asked, err := glm.ReadCSV(strings.NewReader("dist,arsenic\n20,3\n150,0.6\n"), "new households")
	if err != nil {
		return err
	}
	predictions, err := fit.Predict(asked, nil)
	if err != nil {
		return err
	}
	for i, household := range []string{"20 m from a safe well, 300 µg/l", "150 m from a safe well, 60 µg/l"} {
		p := predictions[i].Mean
		fmt.Fprintf(w, "%-32s P(switch) = %.2f, 90 %% interval %.2f to %.2f\n", household+":", p.Mean, p.Lower, p.Upper)
	}

	// Pictures: the coefficients, and predicted against observed frequencies.
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	calibration := report.CalibrationPlot(model.FittedMeans(fit), model.Design.Y)
	if err := calibration.Save(filepath.Join(out, "calibration.svg")); err != nil {
		return err
	}
	return report.CoefPlot(coefs, nil).Save(filepath.Join(out, "coefficients.svg"))
}
