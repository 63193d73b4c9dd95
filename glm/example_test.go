package glm_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/natgrad/natgrad/glm"
)

// Bees counted on flowers of two colours at ten temperatures: a Poisson
// regression with the default priors.
func ExampleFit() {
	data, err := glm.ReadCSV(strings.NewReader(`bees,temp,colour
2,14,red
4,15,blue
3,17,red
9,18,blue
5,20,red
11,21,blue
8,23,red
19,24,blue
13,26,red
28,27,blue
`), "bees.csv")
	if err != nil {
		fmt.Println(err)
		return
	}
	fit, err := glm.Fit(context.Background(), "bees ~ center(temp) + colour", data, &glm.Options{Family: glm.Poisson()})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range fit.Summary() {
		fmt.Printf("%-12s %5.2f ± %.2f\n", r.Name, r.Mean, r.SD)
	}
	fmt.Println(fit.VI.Grade(), fit.VI.Status)
	// Output:
	// (Intercept)   2.37 ± 0.14
	// center(temp)  0.15 ± 0.03
	// colour[red]  -0.68 ± 0.22
	// good converged
}
