package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// table is rows of cells, the first of which are the heads.
type table struct {
	head string
	rows []string
}

// String is the table in Markdown.
func (t *table) String() string {
	heads := strings.Count(t.head, "|") - 1
	return t.head + "\n|" + strings.Repeat("---|", heads) + "\n" + strings.Join(t.rows, "\n") + "\n"
}

func (t *table) add(format string, args ...any) {
	t.rows = append(t.rows, fmt.Sprintf(format, args...))
}

// scoreboard is the table of all scores, and the counts below it.
func scoreboard(scores []*score) string {
	t := &table{head: "| posterior | d | shape | mean error: median | worst | sd ratio: median | worst | k-hat | verdict | gradients | densities | CPU s |"}
	inside, silent := 0, 0
	for _, s := range scores {
		t.add("%s", s.row())
		if s.inside() {
			inside++
		}
		if s.silent() {
			silent++
		}
	}
	return fmt.Sprintf("%s\nInside %.2f sd and %.0f %%: %d of %d. Outside and graded good: %d.\n", t, meanLimit, 100*ratioLimit, inside, len(scores), silent)
}

func (s *score) row() string {
	mark := ""
	if !s.inside() {
		mark = " outside"
	}
	return fmt.Sprintf("| %s | %d | %s | %.3f | %.3f | %.3f | %.3f | %.2f | %s%s | %d | %d | %.2f |", s.name, s.dim, s.shape(),
		median(s.errors), s.worstError(), median(s.ratios), s.worstRatio(), s.post.Fit.KHat, s.post.Grade(), mark,
		s.calls.gradients, s.calls.densities, s.seconds)
}

// gaps is the table of posteriors whose best normal has a KL above 0.1.
func gaps(scores []*score) string {
	t := &table{head: "| posterior | shape | KL of the fit | KL of the best normal |"}
	for _, s := range scores {
		if s.gaussian.KL > 0.1 {
			t.add("| %s | %s | %.3f ± %.3f | %.3f |", s.name, s.shape(), s.kl, s.klErr, s.gaussian.KL)
		}
	}
	return t.String()
}

//go:embed stan.json
var stanFile []byte

// stan holds Stan's figures of the same posteriors.
type stan struct {
	Source   string
	Problems []struct {
		Name        string
		NUTSSeconds float64 `json:"nuts_seconds"`
		NUTSError   float64 `json:"nuts_error"`
		// nil where all runs failed
		MeanFieldSeconds *float64 `json:"mean_field_seconds"`
		MeanFieldError   *float64 `json:"mean_field_error"`
		FullRankSeconds  *float64 `json:"full_rank_seconds"`
		FullRankError    *float64 `json:"full_rank_error"`
	}
}

// beside compares scores with Stan.
func beside(scores []*score) (string, error) {
	var peer stan
	if err := json.Unmarshal(stanFile, &peer); err != nil {
		return "", fmt.Errorf("stan.json: %w", err)
	}
	t := &table{head: "| posterior | CPU s | NUTS: CPU s | ratio | worst mean error | ADVI mean-field error (s) | ADVI full-rank error (s) | error / better ADVI |"}
	faster, closer, both := 0, 0, 0
	for _, s := range scores {
		for _, p := range peer.Problems {
			if p.Name != s.name {
				continue
			}
			best, ratio := math.Inf(1), "all runs failed"
			for _, e := range []*float64{p.MeanFieldError, p.FullRankError} {
				if e != nil {
					best = math.Min(best, *e)
				}
			}
			if !math.IsInf(best, 1) {
				ratio = fmt.Sprintf("%.3g", s.natural/best)
			}
			t.add("| %s | %.2f | %.3g | %.2g | %.3f | %s | %s | %s |", s.name, s.seconds, p.NUTSSeconds, s.seconds/p.NUTSSeconds,
				s.natural, advi(p.MeanFieldError, p.MeanFieldSeconds), advi(p.FullRankError, p.FullRankSeconds), ratio)
			both++
			if s.seconds < p.NUTSSeconds {
				faster++
			}
			if s.natural < best {
				closer++
			}
		}
	}
	return fmt.Sprintf("%s\nFaster than NUTS: %d of %d. Closer than the better of the two ADVI: %d of %d.\n\nStan: %s\n", t, faster, both, closer, both, peer.Source), nil
}

func advi(e, seconds *float64) string {
	if e == nil || seconds == nil {
		return "failed"
	}
	return fmt.Sprintf("%.3g (%.3g)", *e, *seconds)
}

// funnel shows the two forms of eight schools.
func funnel(centred, not *score) string {
	t := &table{head: "| form | full normal: k-hat | variance of the importance ratios | verdict | chosen shape | k-hat | variance | verdict | worst mean error | worst sd ratio |"}
	for _, s := range []*score{not, centred} {
		form := "non-centred: z, μ, log τ"
		if s == centred {
			form = "centred: θ, μ, log τ"
		}
		full := "failed | | "
		for _, try := range s.post.Climb.Tried {
			if try.Fit != nil && try.Name == "full" {
				if !math.IsNaN(try.Fit.KHat) {
					full = fmt.Sprintf("%.2f | %.2g | %s", try.Fit.KHat, try.Fit.Spread(), try.Fit.Grade())
				}
			}
		}
		t.add("| %s | %s | %s | %.2f | %.2g | %s | %.3f | %.3f |", form, full, s.shape(), s.post.Fit.KHat, s.post.Fit.Spread(), s.post.Grade(), s.worstError(), s.worstRatio())
	}
	return t.String()
}
