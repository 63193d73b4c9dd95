package mixture

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"gonum.org/v1/gonum/mat"
)

// BenchmarkTangent times one draw for K normal components in d dimensions.
func BenchmarkTangent(b *testing.B) {
	for _, size := range [][2]int{{5, 2}, {10, 10}, {10, 50}} {
		k, d := size[0], size[1]
		for _, hess := range []bool{false, true} {
			b.Run(fmt.Sprintf("K=%d/d=%d/hess=%v", k, d, hess), func(b *testing.B) {
				m := Split(expfam.StandardNormal(d), k, rand.New(rand.NewPCG(1, 1)))
				dr := expfam.Draw{X: make([]float64, d), Grad: make([]float64, d), LogP: -1}
				if hess {
					dr.Hess = mat.NewSymDense(d, nil)
				}
				dr.LogQ = m.LogProb(dr.X)
				tan := make([]float64, m.NumParams())
				b.ReportAllocs()
				for b.Loop() {
					m.Tangent(tan, &dr, 1)
				}
			})
		}
	}
}
