package glm

import (
	"errors"
	"sort"
	"strings"
)

// canonical lowers a word and turns underscores into hyphens.
func canonical(s string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimSpace(s)), "_", "-")
}

// splitCall splits "name" or "name(a, b)" into its name and arguments. A call
// without arguments has none, not one empty one.
func splitCall(text string) (name string, args []string, err error) {
	s := strings.TrimSpace(text)
	open := strings.IndexByte(s, '(')
	if open < 0 {
		if strings.ContainsAny(s, "),") {
			return "", nil, errors.New("an opening parenthesis before the arguments")
		}
		if s == "" {
			return "", nil, errors.New("a name")
		}
		return s, nil, nil
	}
	name = strings.TrimSpace(s[:open])
	if name == "" {
		return "", nil, errors.New("a name before the parenthesis")
	}
	if !strings.HasSuffix(s, ")") {
		return "", nil, errors.New("a closing parenthesis at the end")
	}
	inner := s[open+1 : len(s)-1]
	if strings.ContainsAny(inner, "()") {
		return "", nil, errors.New("one pair of parentheses")
	}
	if strings.TrimSpace(inner) == "" {
		return name, nil, nil
	}
	return name, strings.Split(inner, ","), nil
}

// didYouMean returns a clause that suggests the candidate nearest to word, or
// nothing if none is near.
func didYouMean(word string, candidates []string) string {
	if len(word) < 2 || len(word) > 64 {
		return ""
	}
	list := append([]string(nil), candidates...)
	sort.Strings(list)
	best, dist := "", len(word)/3+2
	for _, c := range list {
		if d := byteDistance(word, c); d < dist {
			best, dist = c, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// byteDistance is the Levenshtein distance in bytes.
func byteDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diag
			if a[i] != b[j] {
				d = 1 + min(diag, row[j], row[j+1])
			}
			diag, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}
