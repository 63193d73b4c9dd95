package glm

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A factor with levels for more than half of the rows, and more than this
// many, is hardly ever meant.
const fewLevels = 10

// checkText refuses to take a text column for a factor if its levels look like
// numbers in disguise or nearly every row has its own. C(x) is not checked.
func (b *builder) checkText(c *column, levels []string) error {
	want := func(what string) string {
		return fmt.Sprintf("%s (write C(%s) if the column is a factor)", what, &node{kind: nodeCol, name: c.name})
	}
	if bad := b.disguised(c, levels); bad >= 0 {
		return b.cols.err(c.name, bad, quote(c.text[bad]),
			want(fmt.Sprintf("a number: the column is text with %d levels that look like numbers; clean it", len(levels))))
	}
	if n := len(b.ev.rows); len(levels) > max(fewLevels, n/2) {
		row := b.ev.rows[0]
		return b.cols.err(c.name, row, quote(c.text[row]),
			want(fmt.Sprintf("a factor with few levels or a number: it is a text column with %d levels in %d rows; clean it, or leave it out", len(levels), n)))
	}
	return nil
}

// disguised returns the first row whose cell is a number with a sign, unit or
// separator, if most of at least three levels are, all with the same unit; else
// −1. Two levels carry no more as numbers than as a factor.
func (b *builder) disguised(c *column, levels []string) int {
	if len(levels) < 3 {
		return -1
	}
	count := make(map[string]int)
	for _, s := range levels {
		unit, ok := quantity(s)
		if !ok {
			continue
		}
		if count[unit]++; 2*count[unit] <= len(levels) {
			continue
		}
		for _, r := range b.ev.rows {
			if u, ok := quantity(c.text[r]); ok && u == unit && !looksNumeric(c.text[r]) {
				return r
			}
		}
	}
	return -1
}

// maxUnit is the number of letters of a unit: kg, min, mmHg.
const maxUnit = 4

// quantity reports whether s is a number once currency and percent signs,
// spaces, separators of thousands and a short unit are taken away: 0.5%, $3,
// 1,036, 12 kg. It returns the unit in lower case. Ordinals, such as 1st, are
// no quantities.
func quantity(s string) (unit string, ok bool) {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune("%‰$€£¥'’_", r) {
			return -1
		}
		if r == '−' {
			return '-'
		}
		return r
	}, s)
	end := strings.LastIndexFunc(s, func(r rune) bool { return r < utf8.RuneSelf && isDigit(byte(r)) }) + 1
	unit = strings.ToLower(s[end:])
	switch unit {
	case "st", "nd", "rd", "th":
		return "", false
	}
	if utf8.RuneCountInString(unit) > maxUnit {
		return "", false
	}
	for _, r := range unit {
		if !unicode.IsLetter(r) && !strings.ContainsRune("°²³/.,", r) {
			return "", false
		}
	}
	s = strings.ReplaceAll(s[:end], ",", "")
	if s == "" || !looksNumeric(s) {
		return "", false
	}
	return unit, true
}
