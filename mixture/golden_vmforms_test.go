package mixture

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/natgrad/natgrad/expfam"
	"github.com/natgrad/natgrad/internal/oracle"
	"github.com/natgrad/natgrad/internal/special"
	"gonum.org/v1/gonum/mat"
)

func init() {
	kinds = append(kinds, oracle.Of("closed forms of families", func(f oracle.Fields) bool {
		return f.Has("rows", "worst_abs_dev_from_numerical_integration")
	}, checkClosedForms))
}

// closedForm is one row of the file of closed forms.
type closedForm struct {
	Family      string
	Mu, Alpha   []float64
	Sigma       [][]float64
	Shape       float64
	Entropy     *float64
	DHDShape    *float64        `json:"dH_dshape"`
	FisherShape *float64        `json:"fisher_shape"`
	DHDAlpha    []float64       `json:"dH_dalpha"`
	DHDSigma    [][]float64     `json:"dH_dSigma"`
	GivenV      []float64       `json:"conditional_E_v_given_z"`
	Z           json.RawMessage // points; numbers in the rows of positive families
	LogPDF      []float64       `json:"log_pdf"`
	Natural     json.RawMessage
	Expectation json.RawMessage
}

// vmBlocks are the blocks of a parameter vector under the names of the file.
type vmBlocks map[string]json.RawMessage

func (b vmBlocks) vector(t *testing.T, name string) []float64 {
	t.Helper()
	var v []float64
	if err := json.Unmarshal(b[name], &v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

func (b vmBlocks) svec(t *testing.T, name string) []float64 {
	t.Helper()
	var m [][]float64
	if err := json.Unmarshal(b[name], &m); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return expfam.Svec(nil, mat.NewSymDense(len(m), flatten(m)))
}

func (b vmBlocks) number(t *testing.T, name string) float64 {
	t.Helper()
	var x float64
	if err := json.Unmarshal(b[name], &x); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return x
}

// closedFormRows are checks of rows of the file by family; other files of this package's
// tests add theirs.
var closedFormRows = map[string]func(t *testing.T, row json.RawMessage){
	"student_t":               checkVMRow,
	"symmetric_nig":           checkVMRow,
	"normal_inverse_gaussian": checkVMRow,
	"skew_gaussian":           checkVMRow,
	"exp_modified_gaussian":   checkVMRow,
}

func checkClosedForms(t *testing.T, data []byte) {
	var file struct{ Rows []json.RawMessage }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	for i, raw := range file.Rows {
		var row struct{ Family string }
		if err := json.Unmarshal(raw, &row); err != nil {
			t.Fatal(err)
		}
		check := closedFormRows[row.Family]
		if check == nil {
			t.Errorf("row %d: nothing checks the family %q", i, row.Family)
			continue
		}
		t.Run(row.Family, func(t *testing.T) { check(t, raw) })
	}
}

func checkVMRow(t *testing.T, raw json.RawMessage) {
	var r closedForm
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	c := vmOf(t, r.Family, r.Mu, r.Alpha, mat.NewSymDense(len(r.Mu), flatten(r.Sigma)), r.Shape)
	nat, exp := vmBlocks{}, vmBlocks{}
	if json.Unmarshal(r.Natural, &nat) != nil || json.Unmarshal(r.Expectation, &exp) != nil {
		t.Fatal("no natural or expectation parameters")
	}
	eta, m := nat.vector(t, "Sigma_inv_mu"), exp.vector(t, "m_mu")
	if r.Alpha != nil {
		eta, m = append(eta, nat.vector(t, "Sigma_inv_alpha")...), append(m, exp.vector(t, "m_alpha")...)
	}
	eta, m = append(eta, nat.svec(t, "minus_half_Sigma_inv")...), append(m, exp.svec(t, "m_zz")...)
	if c.kind.shaped() {
		eta, m = append(eta, nat.number(t, "w")), append(m, exp.number(t, "m_w"))
	}
	near(t, 0, "natural", c.Natural(nil), eta)
	near(t, 0, "expectation", c.Expectation(nil), m)
	if err := c.SetExpectation(m); err != nil {
		t.Fatal(err)
	}
	near(t, 0, "natural after SetExpectation", c.Natural(nil), eta)
	var zs [][]float64
	if err := json.Unmarshal(r.Z, &zs); err != nil {
		t.Fatal(err)
	}
	for i, z := range zs {
		near(t, 0, "log density", []float64{c.LogProb(z)}, r.LogPDF[i:i+1])
		if r.GivenV != nil {
			near(t, 0, "E[v|z]", []float64{c.MixingMean(z)}, r.GivenV[i:i+1])
		}
	}
	if r.Entropy != nil && c.kind.closedEntropy() {
		near(t, 0, "entropy", []float64{c.Entropy()}, []float64{*r.Entropy})
	} else if r.Entropy != nil && c.dim == 1 {
		near(t, 0, "entropy", []float64{entropy1D(c)}, []float64{*r.Entropy})
	}
	tan, d := make([]float64, c.NumParams()), c.dim
	if !c.EntropyTangent(tan) {
		return
	}
	if r.DHDSigma != nil {
		gs := make([]float64, d*d)
		vmUnpack(gs, tan[c.symAt():], d)
		near(t, 0, "entropy's gradient in Sigma", gs, flatten(r.DHDSigma))
	}
	if r.DHDAlpha != nil {
		ga := make([]float64, d)
		for i := range ga { // ∇_α = M₂₁g_μ + M₂₂g_α
			ga[i] = c.m12*tan[i] + c.m22*tan[d+i]
		}
		near(t, 0, "entropy's gradient in alpha", ga, r.DHDAlpha)
	}
	if r.DHDShape != nil {
		fisher := special.TrigammaMinusInv(c.cur.shape)
		near(t, 0, "Fisher information of the shape", []float64{fisher}, []float64{*r.FisherShape})
		near(t, 0, "entropy's derivative in the shape", []float64{tan[len(tan)-1] * fisher}, []float64{*r.DHDShape})
	}
}

// vmOf makes a member of the family with the given name in the files.
func vmOf(t *testing.T, family string, mu, alpha []float64, scale mat.Symmetric, shape float64) *VarianceMean {
	t.Helper()
	fail := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	switch family {
	case "student_t":
		q, err := NewStudentT(mu, scale, shape)
		fail(err)
		return &q.VarianceMean
	case "symmetric_nig":
		q, err := NewSymmetricNIG(mu, scale, shape)
		fail(err)
		return &q.VarianceMean
	case "normal_inverse_gaussian":
		q, err := NewNormalInverseGaussian(mu, alpha, scale, shape)
		fail(err)
		return &q.VarianceMean
	case "skew_gaussian":
		q, err := NewSkewNormal(mu, alpha, scale)
		fail(err)
		return &q.VarianceMean
	case "exp_modified_gaussian":
		q, err := NewExpModifiedNormal(mu, alpha, scale)
		fail(err)
		return &q.VarianceMean
	}
	t.Fatalf("unknown family %q", family)
	return nil
}

// entropy1D integrates −q log q in one dimension by a trapezoid rule in x = sinh t.
func entropy1D(c *VarianceMean) float64 {
	return integral1D(c, func(x float64) float64 { return -c.LogProb([]float64{x}) })
}

// integral1D returns E[f] for one dimension, by a trapezoid rule after z = μ + Σ^½ sinh t.
func integral1D(c *VarianceMean, f func(x float64) float64) float64 {
	sum, h, sd := 0.0, 1./64, math.Sqrt(1/c.cur.s[0])
	for t := -12.0; t <= 12; t += h {
		x := c.cur.mu[0] + sd*math.Sinh(t)
		if p := math.Exp(c.LogProb([]float64{x})); p > 0 {
			sum += h * sd * math.Cosh(t) * p * f(x)
		}
	}
	return sum
}
