package glm

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/mat"
)

// startTolerance is the distance in nats from the optimum of the Gaussian
// family that a fit may keep.
const startTolerance = 0.005

// startProblems are those whose optimum is asked for from any start. All of
// them have flat priors on the coefficients.
func startProblems(t *testing.T) []*posteriordb {
	var out []*posteriordb
	for _, p := range loadPosteriors(t) {
		switch p.name {
		case "wells-interaction_c", "kidiq-kidscore_interaction", "nes1980-nes":
			out = append(out, p)
		}
	}
	if len(out) != 3 {
		t.Fatalf("%d problems, want 3", len(out))
	}
	return out
}

// rescaled returns the problem with column x_j, j ≥ 1, replaced by
// scale[j]·x_j + shift[j]. The predictor is the same for
//
//	β'_j = β_j/scale[j],  β'_0 = β_0 − Σ_j β_j·shift[j]/scale[j],
//
// a linear map with determinant Π_j 1/scale[j]. Under flat priors E_q[log p] does
// not change, the entropy does by −Σ_j log|scale[j]|, and so does the ELBO.
func (p *posteriordb) rescaled(scale, shift []float64) (q *posteriordb, change float64) {
	c := *p
	c.data.X = make([][]float64, len(p.data.X))
	for i, row := range p.data.X {
		c.data.X[i] = append([]float64(nil), row...)
		for j := 1; j < len(row); j++ {
			c.data.X[i][j] = scale[j]*row[j] + shift[j]
		}
	}
	for j := 1; j < len(scale); j++ {
		change -= math.Log(math.Abs(scale[j]))
	}
	return &c, change
}

func (p *posteriordb) columnMoments(j int) (mean, sd float64) {
	n := float64(len(p.data.X))
	for _, row := range p.data.X {
		mean += row[j] / n
	}
	for _, row := range p.data.X {
		sd += (row[j] - mean) * (row[j] - mean) / (n - 1)
	}
	return mean, math.Sqrt(sd)
}

// checkOptimum compares an ELBO with the optimum of the Gaussian family.
func (p *posteriordb) checkOptimum(t *testing.T, start string, r *vi.Result, change float64) {
	t.Helper()
	best := p.ref.GaussianVI.FullRank
	d := r.ELBO - change - best.ELBO
	if !(math.Abs(d) <= startTolerance+3*best.ELBOSE) || r.Status != vi.Converged {
		t.Errorf("%s: ELBO misses the optimum %.5f by %.2g nats (%s after %d steps, conditions: %s)", start, best.ELBO, d, r.Status, r.Iterations, r.Conditions)
	}
}

// The optimum does not depend on the units of the columns: standardised, or
// scaled by 1e-4 to 1e4, either sign, and moved by up to a hundred standard
// deviations.
func TestReferenceStartsColumns(t *testing.T) {
	for _, p := range startProblems(t) {
		t.Run(p.name, func(t *testing.T) {
			d := len(p.data.X[0])
			for k := range 7 {
				rng := rand.New(rand.NewPCG(uint64(k), 4))
				scale, shift := make([]float64, d), make([]float64, d)
				for j := 1; j < d; j++ {
					mean, sd := p.columnMoments(j)
					switch {
					case k == 0: // raw
						scale[j] = 1
					case k == 1: // standardised
						scale[j], shift[j] = 1/sd, -mean/sd
					default:
						scale[j] = math.Pow(10, 8*rng.Float64()-4) * float64(1-2*rng.IntN(2))
						shift[j] = scale[j] * sd * 100 * (2*rng.Float64() - 1)
					}
				}
				c, change := p.rescaled(scale, shift)
				opt := c.options(t)
				opt.Settings.Diagnostics = -1
				f, err := Fit(context.Background(), c.formula(), c.frame(), opt)
				if err != nil {
					t.Fatal(err)
				}
				p.checkOptimum(t, fmt.Sprintf("columns %d", k), f.VI, change)
			}
		})
	}
}

// The engine reaches the optimum from starts that are far off: means up to 3
// and up to 10 posterior standard deviations away in every direction, variances
// in every direction a hundredth to a hundred times those of the posterior.
func TestReferenceStartsDispersed(t *testing.T) {
	for _, p := range startProblems(t) {
		t.Run(p.name, func(t *testing.T) {
			m, err := NewModel(p.formula(), p.frame(), p.options(t))
			if err != nil {
				t.Fatal(err)
			}
			m.settings.Diagnostics = -1
			target := m.engineTarget()
			e, err := m.engine(nil)
			if err != nil {
				t.Fatal(err)
			}
			r, err := e.Run(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			best := r.Posterior.(*expfam.Normal)
			most := 0
			for k := range 20 {
				far := 3.0
				if k >= 10 {
					far = 10
				}
				q := dispersed(t, best, far, rand.New(rand.NewPCG(uint64(k), 5)))
				r, err := vi.Fit(context.Background(), q, target, &m.settings)
				if err != nil {
					t.Errorf("start %d: %v", k, err)
					continue
				}
				p.checkOptimum(t, fmt.Sprintf("start %d, up to %v sd off", k, far), r, 0)
				most = max(most, r.Iterations)
			}
			t.Logf("at most %d steps", most)
		})
	}
}

// dispersed returns N(μ + Cu, C diag(v) C') with CC' the covariance of best, u
// uniform in a cube of half width far and v log-uniform between 0.01 and 100.
func dispersed(t *testing.T, best *expfam.Normal, far float64, rng *rand.Rand) *expfam.Normal {
	t.Helper()
	d := best.Dim()
	var chol mat.Cholesky
	if !chol.Factorize(best.Cov(nil)) {
		t.Fatal("covariance is not positive definite")
	}
	var c mat.TriDense
	chol.LTo(&c)
	u, cov := mat.NewVecDense(d, nil), mat.NewSymDense(d, nil)
	for j := range d {
		u.SetVec(j, far*(2*rng.Float64()-1))
		v := math.Pow(100, 2*rng.Float64()-1)
		cov.SymRankOne(cov, v, mat.NewVecDense(d, mat.Col(nil, j, &c)))
	}
	var mu mat.VecDense
	mu.MulVec(&c, u)
	mu.AddVec(&mu, mat.NewVecDense(d, best.Mean(nil)))
	q, err := expfam.NewNormal(mu.RawVector().Data, cov)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// In the coordinates of the user's own columns, from the standard normal that
// other tools start from and from the curvature at zero, the engine reaches the
// optimum too: its steps do not depend on coordinates.
func TestReferenceStartsRaw(t *testing.T) {
	for _, p := range startProblems(t) {
		t.Run(p.name, func(t *testing.T) {
			m, err := NewModel(p.formula(), p.frame(), p.options(t))
			if err != nil {
				t.Fatal(err)
			}
			zero := make([]float64, m.dim)
			unit := mat.NewSymDense(m.dim, nil)
			for j := range m.dim {
				unit.SetSym(j, j, 1)
			}
			standard, err := expfam.NewNormal(zero, unit)
			if err != nil {
				t.Fatal(err)
			}
			curvature, err := vi.Start(m.Target(), zero)
			if err != nil {
				t.Fatal(err)
			}
			for name, q := range map[string]*expfam.Normal{"standard normal": standard, "curvature at zero": curvature} {
				r, err := vi.Fit(context.Background(), q, m.Target(), &vi.Settings{Diagnostics: -1})
				if err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				p.checkOptimum(t, name, r, 0)
				t.Logf("%s: %d steps", name, r.Iterations)
			}
		})
	}
}
