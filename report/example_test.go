package report_test

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/natgrad/natgrad/report"
)

func ExampleNewCoefTable() {
	fmt.Print(report.NewCoefTable([]report.Coef{
		{Name: "(Intercept)", Mean: 0.0027, SD: 0.0794, Prior: "normal(0, 2.5)"},
		{Name: "dist100", Mean: -0.8980, SD: 0.1042, Prior: "normal(0, 6.5)"},
		{Name: "arsenic", Mean: 0.4609, SD: 0.0414, Prior: "normal(0, 2.3)"},
	}))
	// Output:
	//                mean     sd      5%     50%     95%  prior
	// -----------  ------  -----  ------  ------  ------  --------------
	// (Intercept)   0.003  0.079  -0.128   0.003   0.133  normal(0, 2.5)
	// dist100      -0.898  0.104  -1.069  -0.898  -0.727  normal(0, 6.5)
	// arsenic       0.461  0.041   0.393   0.461   0.529  normal(0, 2.3)
}

func ExamplePage() {
	coefs := []report.Coef{{Name: "(Intercept)", Mean: 0.1, SD: 0.08}, {Name: "dist100", Mean: -0.9, SD: 0.1}}
	page := &report.Page{
		Title:   "switch ~ dist100",
		Verdict: report.Verdict{Level: report.Good, Text: "converged in 6 iterations"},
		Tables:  []*report.Table{report.NewCoefTable(coefs)},
		Figures: []report.PageFigure{{Figure: report.CoefPlot(coefs, nil), Caption: "Posterior of the coefficients."}},
	}
	var buf bytes.Buffer
	if err := page.WriteHTML(&buf); err != nil {
		fmt.Println(err)
	}
	fmt.Println(strings.Count(buf.String(), "<svg"), "figure")
	// Output: 1 figure
}

func ExampleWriteDraws() {
	var buf bytes.Buffer
	err := report.WriteDraws(&buf, report.DrawsMeta{Model: "wells", Seed: 1}, []string{"(Intercept)", "u[1]", "u[2]"},
		[][]float64{{0.5, 1, -1}, {0.25, 2, -2}}, []float64{-10, -11}, []float64{1, 0.5})
	fmt.Print(buf.String(), err)
	// Output:
	// # model = wells_model
	// # method = pathfinder
	// #   pathfinder
	// #     num_draws = 2
	// # id = 1
	// # random
	// #   seed = 1
	// # natgrad draws of a variational posterior in the layout of the method above
	// # natgrad column 1 is %28Intercept%29
	// # natgrad column 2 is u[1]
	// # natgrad column 3 is u[2]
	// lp_approx__,lp__,Intercept,u.1,u.2
	// 1,-10,0.5,1,-1
	// 0.5,-11,0.25,2,-2
	// <nil>
}
