package glm

import (
	"errors"
	"strings"

	"github.com/natgrad/natgrad/internal/spelling"
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
	if s := spelling.Nearest(word, candidates); s != "" {
		return "; did you mean " + s + "?"
	}
	return ""
}
