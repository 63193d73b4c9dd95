package spelling

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	columns := []string{"age", "income", "Height", "x10", "größe"}
	commands := []string{"fit", "predict", "check", "resume", "version", "help"}
	families := []string{"gaussian", "normal", "poisson", "negative-binomial", "binomial", "gamma"}
	long := strings.Repeat("ä", maxRunes)
	for _, c := range []struct {
		word string
		list []string
		want string
	}{
		{"aeg", columns, "age"},
		{"incme", columns, "income"},
		{"height", columns, "Height"},
		{"x1", columns, "x10"},
		{"GRÖSE", columns, "größe"},
		{"weight_kg", columns, ""},
		{"zzz", columns, ""},
		{"inc", columns, "income"},
		{"in", columns, ""},
		{"fti", commands, "fit"},
		{"prdict", commands, "predict"},
		{"predictions", commands, ""},
		{"vers", commands, "version"},
		{"poison", families, "poisson"},
		{"guassian", families, "gaussian"},
		{"negative binomial", families, "negative-binomial"},
		{"NEG", families, "negative-binomial"},
		{"", families, ""},
		{"x", nil, ""},
		{"z", []string{"x", "y"}, ""}, // one letter for another is no misspelling
		{"X", []string{"x"}, "x"},
		{"xx", []string{"x"}, "x"},
		{"x", []string{"x"}, ""},
		{"ab", []string{"cd", ""}, ""},
		{"cot", []string{"cut", "cat"}, "cat"},          // a tie
		{"out", []string{"outer", "outlaw"}, "outer"},   // the shortest extension
		{"out", []string{"outs-x", "outr-x"}, "outr-x"}, // a tie of extensions
		{"draw", []string{"drawing", "dram"}, "dram"},   // a misspelling comes before an extension
		{"teh", []string{"the", "tea"}, "tea"},          // both at distance one
		{long + "b", []string{long}, ""},                // too long
		{long[2:] + "b", []string{long}, long},          // the longest
		{long[2:], []string{long + "bb"}, ""},           // the candidate is too long
		{"\xff\xfe", []string{"\xff\xfe\xfd", "ab"}, "\xff\xfe\xfd"},
		{strings.Repeat("x", 1<<20), []string{"x"}, ""},
	} {
		if got := Nearest(c.word, c.list); got != c.want {
			t.Errorf("Nearest(%.20q, %.20q) = %q, want %q", c.word, c.list, got, c.want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abc", "bca", 2},
		{"ca", "abc", 3}, // 2 if a swapped pair could be edited again
		{"kitten", "sitting", 3}, {"flaw", "lawn", 2},
	} {
		if got := distance([]rune(c.a), []rune(c.b)); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

// One edit of a word of some length leads back to it, in whatever order the
// candidates stand; the distance is symmetric and changes by at most one for
// each edit.
func TestNearestProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	const letters = "abcdeé"
	random := func(n int) []rune {
		w := make([]rune, n)
		for i := range w {
			w[i] = []rune(letters)[rng.IntN(6)]
		}
		return w
	}
	edit := func(w []rune) []rune {
		i := rng.IntN(len(w) - 1)
		switch rng.IntN(4) {
		case 0:
			return slices.Insert(slices.Clone(w), i, random(1)...)
		case 1:
			return slices.Delete(slices.Clone(w), i, i+1)
		case 2:
			return slices.Concat(w[:i], random(1), w[i+1:])
		}
		return slices.Concat(w[:i], []rune{w[i+1], w[i]}, w[i+2:])
	}
	for range 500 {
		word := random(8 + rng.IntN(20))
		other := random(len(word) + rng.IntN(9) - 4)
		typed := edit(word)
		if d, e := distance(word, other), distance(other, word); d != e {
			t.Fatalf("distance(%q, %q) is %d, the other way round %d", string(word), string(other), d, e)
		}
		if d := distance(word, typed); d > 1 || d == 0 != slices.Equal(word, typed) {
			t.Fatalf("distance(%q, %q) is %d after one edit", string(word), string(typed), d)
		}
		list := []string{"yy", string(word), "zzzzzzzzz", strings.Repeat("z", 20)}
		want := string(word)
		if slices.Equal(word, typed) {
			want = ""
		}
		if got := Nearest(string(typed), list); got != want {
			t.Fatalf("Nearest(%q) = %q, want %q", string(typed), got, want)
		}
		list = append(list, string(edit(word)), string(other))
		got := Nearest(string(typed), list)
		rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		if again := Nearest(string(typed), list); again != got {
			t.Fatalf("Nearest(%q) = %q and, in another order, %q", string(typed), got, again)
		}
	}
}
