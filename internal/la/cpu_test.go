package la

import "testing"

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		name       string
		best, want Level
	}{
		{"", AVX512, AVX2}, {"", AVX2, AVX2}, {"", Portable, Portable},
		{"avx512", AVX512, AVX512}, {"avx512", AVX2, AVX2}, {"avx2", AVX512, AVX2},
		{"avx2", Portable, Portable}, {"portable", AVX512, Portable}, {"sse", AVX2, AVX2},
	} {
		if got := choose(c.name, c.best); got != c.want {
			t.Errorf("choose(%q, %v) = %v, want %v", c.name, c.best, got, c.want)
		}
	}
}
