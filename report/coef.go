package report

// Coef is the marginal posterior of one scalar parameter.
//
// Quantiles that are not known may be left zero: if Q05 and Q95 are both zero the
// 5, 50 and 95 % quantiles of the Normal distribution with this mean and sd stand
// in, if Q25 and Q75 are both zero likewise the quartiles.
type Coef struct {
	Name          string
	Mean, SD      float64
	Q05, Q50, Q95 float64 // 5, 50 and 95 % quantiles
	Q25, Q75      float64 // quartiles, for plots only
	Prior         string  // what was assumed before, in words: "normal(0, 2.5)"
}

// Standard Normal quantiles at 0.75 and 0.95.
const (
	z75 = 0.67448975019608171
	z95 = 1.6448536269514722
)

// filled returns c with missing quantiles replaced.
func (c Coef) filled() Coef {
	if c.Q05 == 0 && c.Q95 == 0 {
		c.Q05, c.Q95 = c.Mean-z95*c.SD, c.Mean+z95*c.SD
		if c.Q50 == 0 {
			c.Q50 = c.Mean
		}
	}
	if c.Q25 == 0 && c.Q75 == 0 {
		c.Q25, c.Q75 = c.Mean-z75*c.SD, c.Mean+z75*c.SD
	}
	return c
}

func (c Coef) drawable() bool {
	for _, v := range [...]float64{c.Mean, c.SD, c.Q05, c.Q25, c.Q75, c.Q95} {
		if !drawable(v) {
			return false
		}
	}
	return true
}

// NewCoefTable returns a table with one row a parameter: name, mean, sd, the 5, 50
// and 95 % quantiles, and the prior if any parameter has one. Numbers of a row are
// rounded to what its sd warrants ([FormatWith]).
func NewCoefTable(coefs []Coef) *Table {
	t := &Table{
		Columns: []string{"", "mean", "sd", "5%", "50%", "95%"},
		Align:   []Align{Left, Decimal, Decimal, Decimal, Decimal, Decimal},
	}
	priors := false
	for _, c := range coefs {
		priors = priors || c.Prior != ""
	}
	if priors {
		t.Columns = append(t.Columns, "prior")
		t.Align = append(t.Align, Left)
	}
	for _, c := range coefs {
		c = c.filled()
		row := []string{c.Name}
		for _, v := range [...]float64{c.Mean, c.SD, c.Q05, c.Q50, c.Q95} {
			row = append(row, FormatWith(v, c.SD))
		}
		if priors {
			row = append(row, c.Prior)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
