package structured

import (
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// product returns the reference of a Kronecker product of d×d and q×q roots with
// nc and nk numbers.
func product(c reference, d, nc int, k reference, q int) reference {
	c, k = c.withDefaults(), k.withDefaults()
	return reference{
		algebra: func(v []float64) *mat.Dense {
			var a, b, m mat.Dense
			a.Kronecker(c.algebra(v[:nc]), identity(q))
			b.Kronecker(identity(d), k.algebra(v[nc:]))
			m.Add(&a, &b)
			return &m
		},
		project: func(x *mat.Dense) []float64 {
			xc, xk := mat.NewDense(d, d, nil), mat.NewDense(q, q, nil)
			for i := range d {
				for j := range d {
					for a := range q {
						xc.Set(i, j, xc.At(i, j)+x.At(i*q+a, j*q+a)/float64(q))
					}
				}
			}
			for a := range q {
				for b := range q {
					for i := range d {
						xk.Set(a, b, xk.At(a, b)+x.At(i*q+a, i*q+b)/float64(d))
					}
				}
			}
			return append(c.project(xc), k.project(xk)...)
		},
		move: func(b *mat.Dense, v []float64, rho float64) *mat.Dense {
			var h, out mat.Dense
			h.Kronecker(moved(identity(d), c.algebra(v[:nc]), rho), moved(identity(q), k.algebra(v[nc:]), rho))
			out.Mul(b, &h)
			return &out
		},
		fisher: func(u, v []float64) float64 {
			return float64(q)*c.fisher(u[:nc], v[:nc]) + float64(d)*k.fisher(u[nc:], v[nc:])
		},
	}
}

func TestKronecker(t *testing.T) {
	full := func(p int) reference { return pattern(p, heisenbergEntries(p, p, 0, false)) }
	up := func(p, k int) reference { return pattern(p, heisenbergEntries(p, k, 0, false)) }
	for _, s := range []struct {
		c, k string
		d, q int
		ref  reference
		name string
	}{
		{"full", "full", 2, 3, product(full(2), 2, 4, full(3), 3), "kronecker(2: dense, 3: dense)"},
		{"chol", "up_1", 3, 2, product(pattern(3, triangleEntries(3)), 3, 6, up(2, 1), 2), "kronecker(3: cholesky, 2: up(1))"},
		{"tritoep", "diag", 3, 3, product(toeplitzReference(3), 3, 3, up(3, 0), 3), "kronecker(3: toeplitz, 3: diagonal)"},
		{"diag", "chol", 1, 4, product(up(1, 0), 1, 1, pattern(4, triangleEntries(4)), 4), "kronecker(1: diagonal, 4: cholesky)"},
	} {
		t.Run(s.name, func(t *testing.T) {
			f, err := Kronecker(root(t, s.c, s.d), root(t, s.k, s.q))
			if err != nil {
				t.Fatal(err)
			}
			if f.Name() != s.name {
				t.Errorf("Name() = %q", f.Name())
			}
			checkFactor(t, f, s.ref)
		})
	}
}

// TestKroneckerNested multiplies a product by a third root: (A ⊗ B) ⊗ C = A ⊗ (B ⊗ C).
func TestKroneckerNested(t *testing.T) {
	rng := rand.New(rand.NewPCG(30, 1))
	parts := []Factor{root(t, "full", 2), root(t, "chol", 3), root(t, "up_1", 2)}
	for _, f := range parts {
		v := f.Values(nil)
		for i, e := range normals(rng, len(v), 0.3) {
			v[i] += e
		}
		if err := f.SetValues(v); err != nil {
			t.Fatal(err)
		}
	}
	must := func(f Factor, err error) Factor {
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	left := must(Kronecker(must(Kronecker(parts[0], parts[1])), parts[2]))
	right := must(Kronecker(parts[0], must(Kronecker(parts[1], parts[2]))))
	x := normals(rng, 12, 1)
	near(t, "product", left.Mul(nil, x), right.Mul(nil, x), 1e-14)
	near(t, "solve", left.SolveTrans(nil, x), right.SolveTrans(nil, x), 1e-13)
	near(t, "variances", variances(make([]float64, 12), left), variances(make([]float64, 12), right), 1e-13)
}

// A step that one of the roots refuses leaves both as they were.
func TestKroneckerRefusal(t *testing.T) {
	f, err := Kronecker(root(t, "full", 2), root(t, "chol", 2))
	if err != nil {
		t.Fatal(err)
	}
	m := make([]float64, f.NumParams())
	for i := range m {
		m[i] = 0.1
	}
	m[len(m)-1] = 1e200
	refused(t, f, "Retract", func() error { return f.Retract(m, 1) })
	v := f.Values(nil)
	v[len(v)-1] = 0
	refused(t, f, "SetValues", func() error { return f.SetValues(v) })
}
