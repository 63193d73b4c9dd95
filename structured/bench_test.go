package structured

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkUp times the parts of a step of Up(p, 10) beside a copy of its
// numbers.
func BenchmarkUp(b *testing.B) {
	for _, p := range []int{1e3, 1e4, 1e5, 1e6} {
		f, err := Up(p, 10)
		if err != nil {
			b.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(1, 2))
		n := f.NumParams()
		x, y, m := normals(rng, p, 1), normals(rng, p, 1), normals(rng, n, 1e-3)
		dst, out := make([]float64, p), make([]float64, n)
		f.ProjectPair(m, x[:p], x, 0)
		for i := range 10 {
			for j := range i {
				m[i*10+j] = m[j*10+i]
			}
		}
		if err := f.Retract(m, 1e-3); err != nil {
			b.Fatal(err)
		}
		for _, op := range []struct {
			name string
			do   func()
		}{
			{"copy", func() { copy(out, m) }},
			{"SolveTrans", func() { f.SolveTrans(dst, x) }},
			{"Solve", func() { f.Solve(dst, x) }},
			{"ProjectPair", func() { f.ProjectPair(out, x, y, 1e-9) }},
			{"Retract", func() {
				if err := f.Retract(m, 1e-6); err != nil {
					b.Fatal(err)
				}
			}},
		} {
			b.Run(fmt.Sprintf("%s/p=%d", op.name, p), func(b *testing.B) {
				b.SetBytes(int64(8 * n))
				b.ReportAllocs()
				for b.Loop() {
					op.do()
				}
			})
		}
	}
}
