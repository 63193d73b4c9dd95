package expfam_test

import (
	"fmt"

	"github.com/natgrad/natgrad/expfam"
)

// KL(p‖q) is not symmetric: a q that is too narrow for p costs more than one that
// is too wide.
func ExampleKL() {
	wide, err := expfam.NewNormalUV(0, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	narrow, err := expfam.NewNormalUV(0, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	there, err := expfam.KL(wide, narrow)
	if err != nil {
		fmt.Println(err)
		return
	}
	back, err := expfam.KL(narrow, wide)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.4f %.4f\n", there, back)

	beta, err := expfam.NewBeta(1, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = expfam.KL(wide, beta)
	fmt.Println(err)
	// Output:
	// 0.8069 0.3181
	// expfam: KL: p is univariate-normal of dimension 1, q is beta of dimension 1; want one family of one size
}
