package targets

import (
	"fmt"
	"math"

	"github.com/natgrad/natgrad/internal/special"
	"github.com/natgrad/natgrad/vi"
)

// Grid is a density in two dimensions on a regular grid, for integrals whose
// error is far below that of draws: the trapezoid rule converges faster than
// any power of the spacing for smooth densities that vanish at the border.
type Grid struct {
	x, y []float64
	logp []float64 // row-major, one row a value of y
	logZ float64
	cell float64
}

// NewGrid evaluates t on n×n points of [lo, hi]. It panics unless t.Dim = 2,
// n >= 2 and lo < hi.
func NewGrid(t *vi.Target, lo, hi [2]float64, n int) *Grid {
	if t.Dim != 2 || n < 2 || !(lo[0] < hi[0]) || !(lo[1] < hi[1]) {
		panic(fmt.Sprintf("targets: NewGrid: Dim is %d, n %d, box [%v, %v], want 2, n >= 2 and a box", t.Dim, n, lo, hi))
	}
	g := &Grid{logp: make([]float64, 0, n*n)}
	at := func(k, i int) float64 { return lo[k] + (hi[k]-lo[k])*float64(i)/float64(n-1) }
	for i := range n {
		g.x, g.y = append(g.x, at(0, i)), append(g.y, at(1, i))
	}
	g.cell = (g.x[1] - g.x[0]) * (g.y[1] - g.y[0])
	for _, y := range g.y {
		for _, x := range g.x {
			g.logp = append(g.logp, t.LogProb([]float64{x, y}))
		}
	}
	g.logZ = special.LogSumExp(g.logp) + math.Log(g.cell)
	return g
}

// LogZ returns the log normaliser of the target, log ∫exp(log p).
func (g *Grid) LogZ() float64 { return g.logZ }

// Points returns the coordinates along x and y and the normalised log density,
// row-major with one row a value of y. The slices are the grid's own.
func (g *Grid) Points() (x, y, logp []float64) { return g.x, g.y, g.normalised() }

func (g *Grid) normalised() []float64 {
	v := make([]float64, len(g.logp))
	for i, l := range g.logp {
		v[i] = l - g.logZ
	}
	return v
}

// KL returns KL(q‖p) in nats, p the normalised target and logq the log density
// of q, and the mass of q on the grid: a mass that is not nearly 1 says that
// the box is too small or the grid too coarse.
func (g *Grid) KL(logq func(x []float64) float64) (kl, mass float64) {
	z := make([]float64, 2)
	k := 0
	for _, y := range g.y {
		for _, x := range g.x {
			z[0], z[1] = x, y
			l := logq(z)
			if w := math.Exp(l) * g.cell; w > 0 {
				kl += w * (l - g.logp[k] + g.logZ)
				mass += w
			}
			k++
		}
	}
	return kl, mass
}

// Moments returns means and standard deviations of the target.
func (g *Grid) Moments() (mean, sd [2]float64) {
	var m, s [2]float64
	k := 0
	for _, y := range g.y {
		for _, x := range g.x {
			w := math.Exp(g.logp[k]-g.logZ) * g.cell
			m[0], m[1] = m[0]+w*x, m[1]+w*y
			s[0], s[1] = s[0]+w*x*x, s[1]+w*y*y
			k++
		}
	}
	for i := range m {
		sd[i] = math.Sqrt(s[i] - m[i]*m[i])
	}
	return m, sd
}
