package glm_test

import (
	"fmt"
	"math"

	"github.com/natgrad/natgrad/glm"
	"github.com/natgrad/natgrad/vi"
)

func ExampleParseFamily() {
	f, err := glm.ParseFamily("student_t(df = 4)")
	fmt.Println(f, f.Link(), f.AuxNames(), err)
	_, err = glm.ParseFamily("poison")
	fmt.Println(err)
	// Output:
	// student-t(df=4) identity [sigma] <nil>
	// glm: family "poison": want one of gaussian, student-t, bernoulli, binomial, poisson, negative-binomial, gamma; did you mean poisson?
}

func ExampleFamily() {
	// Two counts with mean exp(η): values and derivatives in η.
	f := glm.Poisson().Eval(glm.Outcome{Y: []float64{0, 3}})
	d := vi.Derivs{F: make([]float64, 2), E: make([]float64, 2)}
	f(0, []float64{0, math.Ln2}, nil, &d)
	fmt.Printf("%.4f %.1f\n", d.F, d.E)
	// Output:
	// [-1.0000 -1.7123] [-1.0 1.0]
}

func ExampleParsePriorSpec() {
	s, err := glm.ParsePriorSpec("(Intercept) ~ student_t(3, 0, 10)")
	fmt.Println(s.Name, s.Prior, err)
	fmt.Println(glm.NormalPrior(0, 1).CheckFor("sigma", true))
	// Output:
	// (Intercept) student-t(3, 0, 10) <nil>
	// glm: prior "normal(0, 1)" on sigma: want a prior on a positive parameter: exponential(rate), half-normal(scale), half-cauchy(scale), half-student-t(df, scale), inverse-gamma(shape, scale), gamma(shape, rate), log-normal(mean, sd) or flat; did you mean half-normal(1)?
}
