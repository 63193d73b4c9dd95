package docs_test

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/mixture"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/mat"
)

func dist[D expfam.Dist](d D, err error) expfam.Dist {
	if err != nil {
		panic(err)
	}
	return d
}

// members holds two members of every family of expfam, by the name of the type.
func members() map[string][2]expfam.Dist {
	a, b := mat.NewSymDense(2, []float64{0.5, 0.1, 0.1, 0.3}), mat.NewSymDense(2, []float64{2, -0.5, -0.5, 1})
	mu, at := []float64{1, -2}, []float64{0, 0}
	z, o := mat.NewDense(2, 2, []float64{1, 2, -1, 0.5}), mat.NewDense(2, 2, nil)
	return map[string][2]expfam.Dist{
		"Normal":          {dist(expfam.NewNormal(mu, a)), dist(expfam.NewNormal(at, b))},
		"DiagNormal":      {dist(expfam.NewDiagNormal(mu, []float64{0.5, 2})), dist(expfam.NewDiagNormal(at, []float64{1, 1}))},
		"NormalUV":        {dist(expfam.NewNormalUV(1, 0.5)), dist(expfam.NewNormalUV(0, 1))},
		"Laplace":         {dist(expfam.NewLaplace(1, 0.5)), dist(expfam.NewLaplace(1, 2))},
		"LogGamma":        {dist(expfam.NewLogGamma(4, 2)), dist(expfam.NewLogGamma(1, 1))},
		"TruncatedNormal": {dist(expfam.NewTruncatedNormal(1, 0.7, 0, 2)), dist(expfam.NewTruncatedNormal(0.5, 2, 0, 2))},

		"Gamma":            {dist(expfam.NewGamma(7, 3)), dist(expfam.NewGamma(1, 1))},
		"InverseGamma":     {dist(expfam.NewInverseGamma(6, 5)), dist(expfam.NewInverseGamma(2, 1))},
		"Exponential":      {dist(expfam.NewExponential(5)), dist(expfam.NewExponential(1))},
		"LogNormal":        {dist(expfam.NewLogNormal(0.5, 0.4)), dist(expfam.NewLogNormal(0, 1))},
		"InverseGaussian":  {dist(expfam.NewInverseGaussian(2, 5)), dist(expfam.NewInverseGaussian(1, 1))},
		"GeneralizedGamma": {dist(expfam.NewGeneralizedGamma(1.5, 3, 2)), dist(expfam.NewGeneralizedGamma(1.5, 1, 1))},
		"Weibull":          {dist(expfam.NewWeibull(1.5, 3)), dist(expfam.NewWeibull(1.5, 1))},
		"Nakagami":         {dist(expfam.NewNakagami(2, 4)), dist(expfam.NewNakagami(1, 1))},
		"ChiSquared":       {dist(expfam.NewChiSquared(7)), dist(expfam.NewChiSquared(3))},
		"Chi":              {dist(expfam.NewChi(7)), dist(expfam.NewChi(3))},
		"HalfNormal":       {dist(expfam.NewHalfNormal(3)), dist(expfam.NewHalfNormal(1))},
		"Rayleigh":         {dist(expfam.NewRayleigh(3)), dist(expfam.NewRayleigh(1))},
		"Maxwell":          {dist(expfam.NewMaxwell(3)), dist(expfam.NewMaxwell(1))},
		"BetaPrime":        {dist(expfam.NewBetaPrime(4, 6)), dist(expfam.NewBetaPrime(2, 3))},
		"Pareto":           {dist(expfam.NewPareto(2, 5)), dist(expfam.NewPareto(2, 2))},

		"Beta":                {dist(expfam.NewBeta(8, 3)), dist(expfam.NewBeta(1, 1))},
		"PowerLaw":            {dist(expfam.NewPowerLaw(2, 5)), dist(expfam.NewPowerLaw(2, 1))},
		"ContinuousBernoulli": {dist(expfam.NewContinuousBernoulli(0.9)), dist(expfam.NewContinuousBernoulli(0.5))},
		"Dirichlet":           {dist(expfam.NewDirichlet([]float64{9, 2, 4})), dist(expfam.NewDirichlet([]float64{1, 1, 1}))},
		"StickBreaking":       {dist(expfam.NewStickBreaking([]float64{3, 2}, []float64{4, 5})), dist(expfam.NewDirichletProcess(3, 1))},
		"VonMises":            {dist(expfam.NewVonMises(1, 4)), dist(expfam.NewVonMises(0, 1))},
		"VonMisesFisher":      {dist(expfam.NewVonMisesFisher([]float64{1, 2, 2}, 6)), dist(expfam.NewVonMisesFisher([]float64{1, 0, 0}, 1))},

		"MatrixNormal":         {dist(expfam.NewMatrixNormal(z, a, b)), dist(expfam.NewMatrixNormal(o, b, b))},
		"Wishart":              {dist(expfam.NewWishart(9, a)), dist(expfam.NewWishart(5, b))},
		"InverseWishart":       {dist(expfam.NewInverseWishart(9, a)), dist(expfam.NewInverseWishart(6, b))},
		"NormalGamma":          {dist(expfam.NewNormalGamma(2, 5, 6, 3)), dist(expfam.NewNormalGamma(0, 1, 2, 1))},
		"NormalWishart":        {dist(expfam.NewNormalWishart(mu, 4, 9, a)), dist(expfam.NewNormalWishart(at, 1, 5, b))},
		"NormalInverseWishart": {dist(expfam.NewNormalInverseWishart(mu, 4, 9, a)), dist(expfam.NewNormalInverseWishart(at, 1, 6, b))},

		"Bernoulli":        {dist(expfam.NewBernoulli(0.3)), dist(expfam.NewBernoulli(0.5))},
		"Binomial":         {dist(expfam.NewBinomial(10, 0.3)), dist(expfam.NewBinomial(10, 0.5))},
		"Categorical":      {dist(expfam.NewCategorical([]float64{0.2, 0.3, 0.5})), dist(expfam.NewCategorical([]float64{0.3, 0.3, 0.4}))},
		"Multinomial":      {dist(expfam.NewMultinomial(4, []float64{0.2, 0.3, 0.5})), dist(expfam.NewMultinomial(4, []float64{0.3, 0.3, 0.4}))},
		"Poisson":          {dist(expfam.NewPoisson(3)), dist(expfam.NewPoisson(1))},
		"NegativeBinomial": {dist(expfam.NewNegativeBinomial(2.5, 0.3)), dist(expfam.NewNegativeBinomial(2.5, 0.5))},
		"Geometric":        {dist(expfam.NewGeometric(0.3)), dist(expfam.NewGeometric(0.5))},

		"Product": {
			dist(expfam.NewProduct(dist(expfam.NewGamma(7, 3)), dist(expfam.NewDirichlet([]float64{3, 5, 2})))),
			dist(expfam.NewProduct(dist(expfam.NewGamma(1, 1)), dist(expfam.NewDirichlet([]float64{1, 1, 1})))),
		},
	}
}

// declared reads the source of expfam: its types with a method Clone() Dist, which are
// the families, and its constructors with the names of their arguments.
func declared(t *testing.T) (families []string, constructors map[string]string) {
	t.Helper()
	constructors = map[string]string{}
	files, err := filepath.Glob(filepath.Join(root, "expfam", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			switch {
			case !ok:
			case fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "New"):
				var names []string
				for _, field := range fn.Type.Params.List {
					for _, n := range field.Names {
						name := n.Name
						if _, ok := field.Type.(*ast.Ellipsis); ok {
							name += "..."
						}
						names = append(names, name)
					}
				}
				constructors[fn.Name.Name] = fmt.Sprintf("%s(%s)", fn.Name.Name, strings.Join(names, ", "))
			case fn.Recv != nil && fn.Name.Name == "Clone":
				if star, ok := fn.Recv.List[0].Type.(*ast.StarExpr); ok {
					if id, ok := star.X.(*ast.Ident); ok && id.IsExported() {
						families = append(families, id.Name)
					}
				}
			}
		}
	}
	slices.Sort(families)
	return families, constructors
}

// fits says by which methods vi.Fit moves a distribution besides the conjugate form.
func fits(d expfam.Dist) string {
	var s []string
	if _, ok := d.(vi.Gaussian); ok {
		s = append(s, "quadrature")
	}
	if _, ok := d.(vi.Tangenter); ok {
		s = append(s, "draws")
	}
	if _, ok := d.(vi.Scorer); ok {
		s = append(s, "values")
	}
	if s == nil {
		return "—"
	}
	return strings.Join(s, ", ")
}

// TestFamiliesPage compares the tables of methods/families.md with the package: every
// family has one row, with its constructor and the methods of vi.Fit that take it.
func TestFamiliesPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("methods", "families.md"))
	if err != nil {
		t.Fatal(err)
	}
	families, constructors := declared(t)
	have := members()
	row := regexp.MustCompile("(?m)^\\| `(\\w+)` \\| `([^`]+)` \\|.*\\| ([^|]+) \\|$")
	var rows []string
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		name := m[1]
		rows = append(rows, name)
		if want := constructors["New"+name]; m[2] != want {
			t.Errorf("%s is made by %s, the page says %s", name, want, m[2])
		}
		pair, ok := have[name]
		if !ok {
			t.Errorf("there are no members of %s in this test", name)
			continue
		}
		if got := strings.TrimPrefix(fmt.Sprintf("%T", pair[0]), "*expfam."); got != name {
			t.Errorf("the members of %s are %s", name, got)
		}
		want := fits(pair[0])
		if name == "Product" {
			want = "as its parts"
		}
		if m[3] != want {
			t.Errorf("vi.Fit takes %s by %q, the page says %q", name, want, m[3])
		}
		_, part := pair[0].(mixture.Component)
		if draws := strings.Contains(fits(pair[0]), "draws"); part != draws {
			t.Errorf("%s: component of a mixture %t, fitted by draws %t: the page says that these are the same", name, part, draws)
		}
	}
	slices.Sort(rows)
	if !slices.Equal(rows, families) {
		t.Errorf("the page has %d rows\n%v\nthe package %d families\n%v", len(rows), rows, len(families), families)
	}
	// Product is counted apart.
	count := fmt.Sprintf("%d families", len(families)-1)
	for _, path := range []string{"methods/families.md", "methods/exponential-families.md", "status.md", "../README.md"} {
		b, err := os.ReadFile(filepath.FromSlash(path))
		if err != nil || !strings.Contains(string(b), count) {
			t.Errorf("%s does not say %q (%v)", path, count, err)
		}
	}
}

// TestFamiliesFit fits every family that the page gives to vi.Fit by draws to the
// density of a member of it, from another member and with default settings.
func TestFamiliesFit(t *testing.T) {
	for name, m := range members() {
		want, q := m[0], m[1]
		p, ok := want.(interface {
			vi.Tangenter
			Score(dst, x []float64) []float64
		})
		if !ok {
			continue
		}
		if !p.EntropyTangent(make([]float64, want.NumParams())) {
			t.Errorf("%s: the gradient of the entropy has no closed form", name)
		}
		res, err := vi.Fit(context.Background(), q, &vi.Target{Dim: want.Dim(), LogProb: p.LogProb, Grad: func(dst, x []float64) float64 {
			p.Score(dst, x)
			return p.LogProb(x)
		}}, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		kl, err := expfam.KL(q, want)
		if err != nil || !(kl < 0.03) || res.Grade() != vi.Good {
			t.Errorf("%s: KL %v (%v), %v", name, kl, err, res)
		}
	}
}
