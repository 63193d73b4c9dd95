package main

import (
	"fmt"
	"math"
	"os"
	"strings"

	"github.com/natgrad/natgrad/metrics"
	"github.com/natgrad/natgrad/vadam"
)

// summary is a method on a set: means over splits and their standard errors
// (population deviation over √splits, as in the protocol).
type summary struct {
	splits                                           int
	rmse, joint, pointwise, coverage, crps, calibrat figure
	seconds                                          float64
}

func (st *store) summary(set, method string) summary {
	var cols [6][]float64
	s := summary{}
	for k := range 20 {
		e, ok := st.get(key(set, method, k))
		if !ok {
			continue
		}
		for j, v := range []float64{e.Scores.RMSE, e.Scores.Joint, e.Scores.Pointwise, e.Scores.Coverage, e.Scores.CRPS, e.Scores.Calibration} {
			cols[j] = append(cols[j], v)
		}
		s.seconds += e.Seconds
	}
	s.splits = len(cols[0])
	for j, f := range []*figure{&s.rmse, &s.joint, &s.pointwise, &s.coverage, &s.crps, &s.calibrat} {
		if s.splits > 0 {
			f.mean, f.se, _ = metrics.MeanSE(cols[j])
		}
	}
	if s.splits > 0 {
		s.seconds /= float64(s.splits)
	}
	return s
}

// digits shows errors of small targets with more digits.
func digits(set string) int {
	switch set {
	case "kin8nm", "wine":
		return 4
	case "naval":
		return 5
	}
	return 3
}

func (f figure) text(digits int) string {
	if math.IsNaN(f.mean) {
		return "–"
	}
	return fmt.Sprintf("%.*f ± %.*f", digits, f.mean, digits, f.se)
}

// tables are the two tables of the page: errors and log-likelihoods beside the
// papers', and calibration.
func tables(st *store) (scores, calibration [][]string) {
	scores = [][]string{{"set", "method", "splits", "RMSE", "LL joint", "LL pointwise", "s a split"}}
	calibration = [][]string{{"set", "method", "95 % coverage", "calibration error", "CRPS"}}
	for _, set := range names {
		d, first := digits(set), set
		for i := range methods {
			m := &methods[i]
			s := st.summary(set, m.name)
			if s.splits == 0 {
				continue
			}
			scores = append(scores, []string{first, m.name, fmt.Sprint(s.splits), s.rmse.text(d), s.joint.text(3), s.pointwise.text(3), fmt.Sprintf("%.1f", s.seconds)})
			calibration = append(calibration, []string{first, m.name, s.coverage.text(3), s.calibrat.text(3), s.crps.text(d)})
			first = ""
		}
		if first != "" {
			continue
		}
		p, short := papers[set], 2
		for _, row := range []struct {
			name     string
			rmse, ll figure
			joint    bool
		}{
			{"Vadam, paper", p.rmseVadam, p.llVadam, true}, {"BBVI, paper", p.rmseBBVI, p.llBBVI, true},
			{"MC-dropout, paper", p.rmseDropout, p.llDropout, false}, {"MC-dropout, grid", p.rmseDropoutGrid, p.llDropoutGrid, false},
		} {
			joint, pointwise := "", row.ll.text(short)
			if row.joint {
				joint, pointwise = pointwise, ""
			}
			scores = append(scores, []string{"", "*" + row.name + "*", "20", row.rmse.text(short), joint, pointwise, ""})
		}
	}
	return scores, calibration
}

// claims compare with the papers: Vadam with the paper's, and the best of our
// log-likelihoods with those of BBVI and dropout.
func claims(st *store) [][]string {
	rows := [][]string{{"set", "Vadam − paper's, RMSE", "joint LL", "worst of both in s.e.", "best pointwise LL of ours", "BBVI", "MC-dropout 2018", "grid"}}
	for _, set := range names {
		v, p := st.summary(set, "Vadam"), papers[set]
		if v.splits == 0 {
			continue
		}
		// The paper's error has more digits in its figure; its standard error is
		// rounded to 0.01, which is taken as 0.005 where it is 0.
		dr := figure{v.rmse.mean - plotted[set], math.Hypot(v.rmse.se, max(p.rmseVadam.se, v.rmse.se))}
		dl := figure{v.joint.mean - p.llVadam.mean, math.Hypot(v.joint.se, max(p.llVadam.se, .005))}
		worst := max(dr.mean/dr.se, -dl.mean/dl.se)
		best, name := math.Inf(-1), ""
		for i := range methods {
			m := &methods[i]
			if m.kind == vadam.Adam || m.name == "Vadam" {
				continue // nets without uncertainty are not what is claimed
			}
			if s := st.summary(set, m.name); s.splits > 0 && s.pointwise.mean > best {
				best, name = s.pointwise.mean, m.name
			}
		}
		beats := func(ll float64) string {
			if best > ll {
				return fmt.Sprintf("%.2f, better", ll)
			}
			return fmt.Sprintf("%.2f, worse", ll)
		}
		rows = append(rows, []string{set, dr.text(digits(set)), dl.text(2), fmt.Sprintf("%+.1f", worst),
			fmt.Sprintf("%.3f (%s)", best, name), beats(p.llBBVI.mean), beats(p.llDropout.mean), beats(p.llDropoutGrid.mean)})
	}
	return rows
}

// wins counts, for each method, the sets on which its pointwise
// log-likelihood is above the published ones.
func wins(st *store) [][]string {
	rows := [][]string{{"method", "above BBVI", "above MC-dropout 2018", "above both", "above the grid search of 2018"}}
	for i := range methods {
		m := &methods[i]
		var n [4]int
		seen := 0
		for _, set := range names {
			s, p := st.summary(set, m.name), papers[set]
			if s.splits == 0 {
				continue
			}
			seen++
			ll := s.pointwise.mean
			for j, ok := range []bool{ll > p.llBBVI.mean, ll > p.llDropout.mean, ll > max(p.llBBVI.mean, p.llDropout.mean), ll > p.llDropoutGrid.mean} {
				if ok {
					n[j]++
				}
			}
		}
		if seen > 0 {
			row := []string{m.name}
			for _, v := range n {
				row = append(row, fmt.Sprintf("%d of %d", v, seen))
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func markdown(rows [][]string) string {
	var b strings.Builder
	for i, row := range rows {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			fmt.Fprintf(&b, "|%s\n", strings.Repeat("---|", len(row)))
		}
	}
	return b.String()
}

// text is the plain table.
func text(st *store) string {
	scores, _ := tables(st)
	wide := make([]int, len(scores[0]))
	for _, row := range scores {
		for j, c := range row {
			wide[j] = max(wide[j], len([]rune(c)))
		}
	}
	var b strings.Builder
	for _, row := range scores {
		for j, c := range row {
			b.WriteString(c + strings.Repeat(" ", wide[j]-len([]rune(c))+2))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// writePage puts the tables between their marks.
func writePage(path string, st *store) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	page, err := fill(string(b), st)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(page), 0o644)
}

// fill replaces what is between <!-- name --> and <!-- end name -->.
func fill(page string, st *store) (string, error) {
	scores, calibration := tables(st)
	for _, part := range []struct {
		name string
		rows [][]string
	}{{"claims", claims(st)}, {"wins", wins(st)}, {"scores", scores}, {"calibration", calibration}} {
		begin, end := "<!-- "+part.name+" -->\n", "<!-- end "+part.name+" -->"
		before, rest, ok := strings.Cut(page, begin)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			return "", fmt.Errorf("no marks for %s", part.name)
		}
		page = before + begin + markdown(part.rows) + end + after
	}
	return page, nil
}
