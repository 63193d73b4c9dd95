// Package spelling finds the word that a misspelt one was probably meant to be.
package spelling

import "strings"

const (
	maxRunes  = 64 // longer words are not compared
	minPrefix = 3  // shorter words do not stand for what they begin
)

// Nearest returns the candidate that word is probably a misspelling of, and ""
// if there is none. Words are compared rune by rune without regard to case.
//
// It is the candidate with the least number of insertions, deletions,
// substitutions and swaps of neighbours (optimal string alignment; Damerau
// 1964), if these change at most a third of the runes of word, or one, and do
// not replace it as a whole. If there is none, it is the shortest candidate
// that begins with word, for words of at least three runes. Among equals the
// first in the order of strings wins, so the order of candidates does not
// matter. Words of more than 64 runes have no nearest, and are nobody's;
// word itself is not a candidate.
func Nearest(word string, candidates []string) string {
	// Cut before the conversion: a word may be a whole file by mistake.
	if len(word) > 4*maxRunes {
		return ""
	}
	lower := strings.ToLower(word)
	a := []rune(lower)
	if len(a) == 0 || len(a) > maxRunes {
		return ""
	}
	limit := max(1, len(a)/3)
	best, least := "", limit+1
	longer, extra := "", maxRunes
	for _, c := range candidates {
		if c == word || len(c) > 4*maxRunes {
			continue
		}
		low := strings.ToLower(c)
		b := []rune(low)
		if len(b) > maxRunes {
			continue
		}
		if more := len(b) - len(a); more <= limit && -more <= limit {
			d := distance(a, b)
			if d < max(len(a), len(b)) && (d < least || d == least && d <= limit && c < best) {
				best, least = c, d
			}
		}
		if more := len(b) - len(a); len(a) >= minPrefix && strings.HasPrefix(low, lower) &&
			(more < extra || more == extra && c < longer) {
			longer, extra = c, more
		}
	}
	if best == "" {
		return longer
	}
	return best
}

// distance is the optimal string alignment distance of a and b, of at most
// maxRunes runes each.
func distance(a, b []rune) int {
	var rows [3][maxRunes + 1]int
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			differ := 1
			if a[i-1] == b[j-1] {
				differ = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+differ)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
