package glm_test

import (
	"fmt"
	"strings"

	"github.com/natgrad/natgrad/glm"
)

// A design remembers how it encoded its rows, so that new ones, here a row to
// predict, are encoded alike.
func ExampleNewDesign() {
	data, err := glm.ReadCSV(strings.NewReader(`sales,price,region
3.1,10,north
2.2,12,south
4.0,8,south
2.9,11,east
3.3,9,east
`), "sales.csv")
	if err != nil {
		fmt.Println(err)
		return
	}
	formula, err := glm.ParseFormula("log(sales) ~ center(price) + region")
	if err != nil {
		fmt.Println(err)
		return
	}
	design, err := glm.NewDesign(formula, data, glm.DesignOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(design.Names)

	rows, err := glm.ReadCSV(strings.NewReader("price,region\n10,south\n7,west\n"), "new.csv")
	if err != nil {
		fmt.Println(err)
		return
	}
	x, _, _, _, err := design.Apply(rows.Subset([]int{0}))
	fmt.Println(x.Data, err)
	_, _, _, _, err = design.Apply(rows)
	fmt.Println(err)
	// Output:
	// [(Intercept) center(price) region[north] region[south]]
	// [1 0 0 1] <nil>
	// glm.Apply: new.csv: column region: row 2 (line 3) is "west", want one of the levels of the fit: east, north, south
}

// Mistakes in a formula are shown where they are.
func ExampleParseFormula() {
	_, err := glm.ParseFormula("y ~ x + sqr(z)")
	fmt.Println(err)
	f, err := glm.ParseFormula("y ~ (a+b)^2 - 1")
	fmt.Println(f, err)
	// Output:
	// glm.ParseFormula: unknown function "sqr"; did you mean sqrt?
	//     y ~ x + sqr(z)
	//             ^
	// y ~ (a + b)^2 - 1 <nil>
}
