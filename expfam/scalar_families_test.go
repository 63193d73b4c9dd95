package expfam_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/vi"
	"gonum.org/v1/gonum/stat/distuv"
)

// scalars returns one member of every family of this file's subject, by the name
// of its type.
func scalars(t testing.TB) map[string]expfam.Reparameterizable {
	return map[string]expfam.Reparameterizable{
		"LogNormal":           must[*expfam.LogNormal](t)(expfam.NewLogNormal(0.3, 0.7)),
		"Weibull":             must[*expfam.Weibull](t)(expfam.NewWeibull(1.5, 2)),
		"Rayleigh":            must[*expfam.Rayleigh](t)(expfam.NewRayleigh(1.3)),
		"Maxwell":             must[*expfam.Maxwell](t)(expfam.NewMaxwell(0.8)),
		"HalfNormal":          must[*expfam.HalfNormal](t)(expfam.NewHalfNormal(2)),
		"Chi":                 must[*expfam.Chi](t)(expfam.NewChi(3.5)),
		"ChiSquared":          must[*expfam.ChiSquared](t)(expfam.NewChiSquared(3.5)),
		"Nakagami":            must[*expfam.Nakagami](t)(expfam.NewNakagami(1.7, 3)),
		"GeneralizedGamma":    must[*expfam.GeneralizedGamma](t)(expfam.NewGeneralizedGamma(0.8, 2.5, 1.2)),
		"LogGamma":            must[*expfam.LogGamma](t)(expfam.NewLogGamma(2.5, 3)),
		"Laplace":             must[*expfam.Laplace](t)(expfam.NewLaplace(-1, 0.6)),
		"Pareto":              must[*expfam.Pareto](t)(expfam.NewPareto(0.5, 3)),
		"PowerLaw":            must[*expfam.PowerLaw](t)(expfam.NewPowerLaw(2, 1.4)),
		"BetaPrime":           must[*expfam.BetaPrime](t)(expfam.NewBetaPrime(2, 6)),
		"InverseGaussian":     must[*expfam.InverseGaussian](t)(expfam.NewInverseGaussian(1.2, 2.5)),
		"TruncatedNormal":     must[*expfam.TruncatedNormal](t)(expfam.NewTruncatedNormal(0.5, 1, 0, 2)),
		"ContinuousBernoulli": must[*expfam.ContinuousBernoulli](t)(expfam.NewContinuousBernoulli(0.8)),
		"VonMises":            must[*expfam.VonMises](t)(expfam.NewVonMises(2.8, 3)),
	}
}

// TestScalarDensities compares densities with gonum's, or with what the
// definitions say where gonum does not have the family.
func TestScalarDensities(t *testing.T) {
	type density func(x float64) float64
	all := scalars(t)
	gamma := func(a, b float64) density { return distuv.Gamma{Alpha: a, Beta: b}.LogProb }
	square := func(f density) density { // the density of √y
		return func(x float64) float64 { return f(x*x) + math.Log(2*x) }
	}
	normal := func(x, mu, sd float64) float64 { return distuv.Normal{Mu: mu, Sigma: sd}.LogProb(x) }
	std := distuv.UnitNormal
	want := map[string]density{
		"LogNormal":  all["LogNormal"].(*expfam.LogNormal).UV(nil).LogProb,
		"Weibull":    all["Weibull"].(*expfam.Weibull).UV(nil).LogProb,
		"Rayleigh":   distuv.Weibull{K: 2, Lambda: 1.3 * math.Sqrt2}.LogProb,
		"Maxwell":    func(x float64) float64 { return distuv.Chi{K: 3}.LogProb(x/0.8) - math.Log(0.8) },
		"HalfNormal": func(x float64) float64 { return math.Ln2 + normal(x, 0, 2) },
		"Chi":        all["Chi"].(*expfam.Chi).UV(nil).LogProb,
		"ChiSquared": all["ChiSquared"].(*expfam.ChiSquared).UV(nil).LogProb,
		"Nakagami":   square(gamma(1.7, 1.7/3)),
		"GeneralizedGamma": func(x float64) float64 {
			return gamma(2.5, 1)(math.Pow(x/1.2, 0.8)) + math.Log(0.8/1.2) - 0.2*math.Log(x/1.2)
		},
		"LogGamma":  func(x float64) float64 { return gamma(2.5, 3)(math.Exp(x)) + x },
		"Laplace":   all["Laplace"].(*expfam.Laplace).UV(nil).LogProb,
		"Pareto":    all["Pareto"].(*expfam.Pareto).UV(nil).LogProb,
		"PowerLaw":  func(x float64) float64 { return math.Log(1.4/x) + 1.4*math.Log(x/2) },
		"BetaPrime": func(x float64) float64 { return distuv.Beta{Alpha: 2, Beta: 6}.LogProb(x/(1+x)) - 2*math.Log1p(x) },
		"InverseGaussian": func(x float64) float64 {
			return 0.5*math.Log(2.5/(2*math.Pi*x*x*x)) - 2.5*(x-1.2)*(x-1.2)/(2*1.44*x)
		},
		"TruncatedNormal": func(x float64) float64 { return normal(x, 0.5, 1) - math.Log(std.CDF(1.5)-std.CDF(-0.5)) },
		"ContinuousBernoulli": func(x float64) float64 {
			return math.Log(2*math.Atanh(0.6)/0.6) + x*math.Log(0.8) + (1-x)*math.Log(0.2)
		},
		"VonMises": func(x float64) float64 { return 3*math.Cos(x-2.8) - math.Log(2*math.Pi*4.880792585865024) }, // I₀(3)
	}
	rng := rand.New(rand.NewPCG(8, 1))
	for name, d := range all {
		for range 20 {
			x := d.Sample(nil, rng)
			if got, want := d.LogProb(x), want[name](x[0]); !(math.Abs(got-want) <= 1e-12*(1+math.Abs(want))) {
				t.Errorf("%s: log p(%v) is %.17g, want %.17g", name, x[0], got, want)
			}
		}
	}
}

func TestScalarAccessors(t *testing.T) {
	d := scalars(t)
	lower, upper := d["TruncatedNormal"].(*expfam.TruncatedNormal).Bounds()
	for what, v := range map[string][2]float64{
		"LogNormal.Mu": {d["LogNormal"].(*expfam.LogNormal).Mu(), 0.3}, "LogNormal.Sigma": {d["LogNormal"].(*expfam.LogNormal).Sigma(), 0.7},
		"Weibull.Shape": {d["Weibull"].(*expfam.Weibull).Shape(), 1.5}, "Weibull.Scale": {d["Weibull"].(*expfam.Weibull).Scale(), 2},
		"Rayleigh.Sigma":   {d["Rayleigh"].(*expfam.Rayleigh).Sigma(), 1.3},
		"Maxwell.Sigma":    {d["Maxwell"].(*expfam.Maxwell).Sigma(), 0.8},
		"HalfNormal.Sigma": {d["HalfNormal"].(*expfam.HalfNormal).Sigma(), 2},
		"Chi.Nu":           {d["Chi"].(*expfam.Chi).Nu(), 3.5}, "ChiSquared.Nu": {d["ChiSquared"].(*expfam.ChiSquared).Nu(), 3.5},
		"Nakagami.Shape": {d["Nakagami"].(*expfam.Nakagami).Shape(), 1.7}, "Nakagami.Spread": {d["Nakagami"].(*expfam.Nakagami).Spread(), 3},
		"GeneralizedGamma.Power":  {d["GeneralizedGamma"].(*expfam.GeneralizedGamma).Power(), 0.8},
		"GeneralizedGamma.Shape":  {d["GeneralizedGamma"].(*expfam.GeneralizedGamma).Shape(), 2.5},
		"GeneralizedGamma.Scale":  {d["GeneralizedGamma"].(*expfam.GeneralizedGamma).Scale(), 1.2},
		"LogGamma.Shape":          {d["LogGamma"].(*expfam.LogGamma).Shape(), 2.5},
		"LogGamma.Rate":           {d["LogGamma"].(*expfam.LogGamma).Rate(), 3},
		"Laplace.Location":        {d["Laplace"].(*expfam.Laplace).Location(), -1},
		"Laplace.Scale":           {d["Laplace"].(*expfam.Laplace).Scale(), 0.6},
		"Pareto.Min":              {d["Pareto"].(*expfam.Pareto).Min(), 0.5},
		"Pareto.Alpha":            {d["Pareto"].(*expfam.Pareto).Alpha(), 3},
		"PowerLaw.Max":            {d["PowerLaw"].(*expfam.PowerLaw).Max(), 2},
		"PowerLaw.Alpha":          {d["PowerLaw"].(*expfam.PowerLaw).Alpha(), 1.4},
		"BetaPrime.Alpha":         {d["BetaPrime"].(*expfam.BetaPrime).Alpha(), 2},
		"BetaPrime.Beta":          {d["BetaPrime"].(*expfam.BetaPrime).Beta(), 6},
		"InverseGaussian.Mu":      {d["InverseGaussian"].(*expfam.InverseGaussian).Mu(), 1.2},
		"InverseGaussian.Shape":   {d["InverseGaussian"].(*expfam.InverseGaussian).Shape(), 2.5},
		"TruncatedNormal.Mu":      {d["TruncatedNormal"].(*expfam.TruncatedNormal).Mu(), 0.5},
		"TruncatedNormal.Sigma":   {d["TruncatedNormal"].(*expfam.TruncatedNormal).Sigma(), 1},
		"TruncatedNormal.lower":   {lower, 0},
		"TruncatedNormal.upper":   {upper, 2},
		"ContinuousBernoulli.λ":   {d["ContinuousBernoulli"].(*expfam.ContinuousBernoulli).Lambda(), 0.8},
		"ContinuousBernoulli.η":   {d["ContinuousBernoulli"].(*expfam.ContinuousBernoulli).Logit(), math.Log(4)},
		"VonMises.Mu":             {d["VonMises"].(*expfam.VonMises).Mu(), 2.8},
		"VonMises.Kappa":          {d["VonMises"].(*expfam.VonMises).Kappa(), 3},
		"mean of a Pareto":        {d["Pareto"].Mean(nil)[0], 0.75},
		"mean of a beta prime":    {d["BetaPrime"].Mean(nil)[0], 0.4},
		"mean of a heavy Pareto":  {1 / must[*expfam.Pareto](t)(expfam.NewPareto(1, 1)).Mean(nil)[0], 0},
		"mean of a heavy beta pr": {1 / must[*expfam.BetaPrime](t)(expfam.NewBetaPrime(1, 1)).Mean(nil)[0], 0},
	} {
		if !(math.Abs(v[0]-v[1]) <= 1e-14*math.Abs(v[1])) {
			t.Errorf("%s is %.17g, want %v", what, v[0], v[1])
		}
	}
}

// TestScalarConstructors checks that bad parameters are refused by name.
func TestScalarConstructors(t *testing.T) {
	for _, bad := range []float64{0, -1, inf, -inf, nan, 1e160} {
		for param, errs := range map[string][]error{
			"sigma":   {err2(expfam.NewRayleigh(bad)), err2(expfam.NewMaxwell(bad)), err2(expfam.NewHalfNormal(bad)), err2(expfam.NewTruncatedNormal(0, bad, 0, 1)), err2(expfam.NewLogNormal(0, bad))},
			"nu":      {err2(expfam.NewChi(bad)), err2(expfam.NewChiSquared(bad))},
			"shape":   {err2(expfam.NewWeibull(bad, 1)), err2(expfam.NewNakagami(bad, 1)), err2(expfam.NewGeneralizedGamma(1, bad, 1)), err2(expfam.NewLogGamma(bad, 1)), err2(expfam.NewInverseGaussian(1, bad))},
			"scale":   {err2(expfam.NewWeibull(1, bad)), err2(expfam.NewGeneralizedGamma(1, 1, bad)), err2(expfam.NewLaplace(0, bad))},
			"power":   {err2(expfam.NewGeneralizedGamma(bad, 1, 1))},
			"spread":  {err2(expfam.NewNakagami(1, bad))},
			"rate":    {err2(expfam.NewLogGamma(1, bad))},
			"minimum": {err2(expfam.NewPareto(bad, 1))},
			"maximum": {err2(expfam.NewPowerLaw(bad, 1))},
			"alpha":   {err2(expfam.NewPareto(1, bad)), err2(expfam.NewPowerLaw(1, bad)), err2(expfam.NewBetaPrime(bad, 1))},
			"beta":    {err2(expfam.NewBetaPrime(1, bad))},
			"mean":    {err2(expfam.NewInverseGaussian(bad, 1))},
			"lambda":  {err2(expfam.NewContinuousBernoulli(bad))},
		} {
			for _, err := range errs {
				var e *expfam.DomainError
				if !errors.As(err, &e) || e.Family == "" || !strings.Contains(e.Param, param) {
					t.Errorf("%s = %v: error is %v, want a *DomainError that names it", param, bad, err)
				}
			}
		}
	}
	for what, err := range map[string]error{
		"no bound":        err2(expfam.NewTruncatedNormal(0, 1, -inf, inf)),
		"bounds reversed": err2(expfam.NewTruncatedNormal(0, 1, 2, 1)),
		"bounds equal":    err2(expfam.NewTruncatedNormal(0, 1, 1, 1)),
		"NaN bound":       err2(expfam.NewTruncatedNormal(0, 1, nan, 1)),
		"NaN mean":        err2(expfam.NewTruncatedNormal(nan, 1, 0, 1)),
		"negative kappa":  err2(expfam.NewVonMises(0, -1)),
		"infinite mu":     err2(expfam.NewVonMises(inf, 1)),
		"NaN location":    err2(expfam.NewLaplace(nan, 1)),
	} {
		var e *expfam.DomainError
		if !errors.As(err, &e) {
			t.Errorf("%s: error is %v, want a *DomainError", what, err)
		}
	}
}

func err2[T any](_ T, err error) error { return err }

// TestKnownParameters checks that a known parameter is part of the family.
func TestKnownParameters(t *testing.T) {
	for _, c := range []struct {
		name    string
		d, e    expfam.Dist
		zero    expfam.Dist
		another expfam.Dist // of another family, for the zero value
	}{
		{"weibull(k=1.5)", scalars(t)["Weibull"], must[*expfam.Weibull](t)(expfam.NewWeibull(1.6, 2)), new(expfam.Weibull), scalars(t)["Rayleigh"]},
		{"generalized-gamma(p=0.8)", scalars(t)["GeneralizedGamma"], must[*expfam.GeneralizedGamma](t)(expfam.NewGeneralizedGamma(1, 1, 1)), new(expfam.GeneralizedGamma), scalars(t)["Nakagami"]},
		{"laplace(location=-1)", scalars(t)["Laplace"], must[*expfam.Laplace](t)(expfam.NewLaplace(math.Copysign(0, -1), 1)), new(expfam.Laplace), scalars(t)["Pareto"]},
		{"pareto(min=0.5)", scalars(t)["Pareto"], must[*expfam.Pareto](t)(expfam.NewPareto(1, 1)), new(expfam.Pareto), scalars(t)["PowerLaw"]},
		{"power-law(max=2)", scalars(t)["PowerLaw"], must[*expfam.PowerLaw](t)(expfam.NewPowerLaw(1, 1)), new(expfam.PowerLaw), scalars(t)["Pareto"]},
		{"truncated-normal(lower=0,upper=2)", scalars(t)["TruncatedNormal"], must[*expfam.TruncatedNormal](t)(expfam.NewTruncatedNormal(0, 1, 0, inf)), new(expfam.TruncatedNormal), scalars(t)["Laplace"]},
	} {
		if c.d.Name() != c.name {
			t.Errorf("name is %q, want %q", c.d.Name(), c.name)
		}
		if strings.Contains(c.e.Name(), "-0") {
			t.Errorf("name %q distinguishes −0 from 0", c.e.Name())
		}
		if _, err := expfam.KL(c.d, c.e); err == nil {
			t.Errorf("KL of %s and %s gives no error", c.d.Name(), c.e.Name())
		}
		mustPanic(t, "want "+c.name, func() { c.d.(interface{ KLTo(q expfam.Dist) float64 }).KLTo(c.e) })
		b, _ := c.d.MarshalBinary()
		before := c.e.Natural(nil)
		if err := c.e.UnmarshalBinary(b); err == nil || !strings.Contains(err.Error(), c.name) {
			t.Errorf("%s takes the bytes of %s: error is %v", c.e.Name(), c.name, err)
		}
		nearVec(t, "a refused receiver", c.e.Natural(nil), before, 0)
		foreign, _ := c.another.MarshalBinary()
		for _, b := range [][]byte{foreign, nil, b[:20], b[:len(b)-1]} {
			if err := c.zero.UnmarshalBinary(b); err == nil || c.zero.NumParams() != 0 {
				t.Errorf("a zero value of %s takes %q", c.name, b)
			}
		}
		if err := c.zero.UnmarshalBinary(b); err != nil || c.zero.Name() != c.name {
			t.Errorf("a zero value becomes %q, error %v, want %q", c.zero.Name(), err, c.name)
		}
	}
}

// TestTruncatedTails compares with 40-digit quadrature: mean, variance, entropy,
// log density and ∂x/∂η at the mean, and the way back from m.
func TestTruncatedTails(t *testing.T) {
	for _, r := range [][10]float64{
		{0, 1, -1, 2, 0.229637179091328969, 0.519762539211533936, 1.00502012549648868, -0.745138855890721709, 0.632667169176122329, 0.376902094453357063},
		{0, 1, 30, inf, 30.033259667433677, 0.001103771511890091, -2.40341041163336881, 2.40396229738931386, 0.00110498448118229702, 0.0664092018691459478},
		{-10000, 30, 1, inf, 1.08998938145867153, 0.00809794305066614073, -1.4080635994455241, 1.40806809830277447, 0.00809801591102350018, 0.0183822184804030134},
		{3, 10, 0, 0.0078125, 0.00390640238920523623, 5.08626290341956634e-6, -4.8520302662024791, 4.85203029163379362, 7.62939420828080867e-6, 5.96059986624286178e-8},
		{1000, 1, -1, 2, 1.99899799800402203, 1.00400598388983277e-6, -5.90575528432796788, 5.90575578633095983, 1.00400699191380022e-6, 4.01300991965571164e-6},
		{0, 1, 1000, 1001, 1000.00099999800001, 9.99994000049999482e-7, -5.9077572789746371, 5.90775777897163713, 9.99995000033999715e-7, 0.00199999300004399964},
	} {
		d := must[*expfam.TruncatedNormal](t)(expfam.NewTruncatedNormal(r[0], r[1], r[2], r[3]))
		mean := d.Mean(nil)
		path := d.PathGrad(nil, []float64{1}, mean)
		// μ/σ² is rounded, which moves 1/scale by 1e-16 of it over the scale.
		near(t, d.Name()+" mean", mean[0], r[4], 1e-14)
		near(t, d.Name()+" variance", d.Var(), r[5], 1e-12)
		near(t, d.Name()+" entropy", d.Entropy(), r[6], 1e-12)
		near(t, d.Name()+" log density", d.LogProb(mean), r[7], 1e-10)
		near(t, d.Name()+" path 0", path[0], r[8], 1e-9)
		near(t, d.Name()+" path 1", path[1], r[9], 1e-9)
		back := d.Clone()
		var p *expfam.PrecisionError
		if err := back.SetExpectation(d.Expectation(nil)); err != nil && !errors.As(err, &p) {
			t.Errorf("%s: %v", d.Name(), err)
		}
	}
	// Moments that no distribution between the bounds has.
	d := must[*expfam.TruncatedNormal](t)(expfam.NewTruncatedNormal(0, 1, 0, inf))
	for _, m := range [][]float64{{-1, 2}, {1, 0.5}, {1, 2.1}, {1, 30}} {
		var e *expfam.DomainError
		if err := d.SetExpectation(m); !errors.As(err, &e) {
			t.Errorf("SetExpectation(%v): error is %v, want a *DomainError", m, err)
		}
	}
}

// TestScalarPosteriors fits every family to a member of itself through the
// engine, from another member, by draws and gradients only.
func TestScalarPosteriors(t *testing.T) {
	for name, target := range scalars(t) {
		q := target.Clone().(expfam.Reparameterizable)
		tan := make([]float64, q.NumParams())
		for i, e := range q.Natural(nil) {
			tan[i] = 1.5 * e
		}
		if _, err := q.Retract(tan, 1); err != nil {
			t.Fatal(err)
		}
		start, _ := expfam.KL(q, target)
		res, err := vi.Fit(context.Background(), q, &vi.Target{
			Dim:     1,
			LogProb: target.LogProb,
			Grad: func(dst, x []float64) float64 {
				target.Score(dst, x)
				return target.LogProb(x)
			},
		}, &vi.Settings{Seed: 1})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if kl, err := expfam.KL(res.Posterior.(expfam.Dist), target); err != nil || !(kl < 5e-3 && kl < start/10) {
			t.Errorf("%s: KL of the posterior is %.2g from %.2g, error %v (%v)", name, kl, start, err, res.Status)
		}
	}
}
