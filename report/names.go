package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ColumnNames returns the column names under which [WriteDraws] writes parameters of
// these names. The readers of CmdStan files split a heading at commas without looking
// at quotes, take a dot for an array index and a trailing double underscore for a
// quantity that is not a parameter, so:
//
//   - The elements of a complete array, root[1] … root[n] or root[1,1] … root[n,m],
//     become root.1 … or root.1.1 …, which the readers turn back into an array. root
//     must be a plain identifier that names nothing else.
//   - In every other name, each run of characters other than letters, digits and
//     underscores becomes one underscore; underscores at the ends go, as do repeated
//     ones; a name that starts with a digit, or from which nothing is left, gets the
//     prefix v; and a name already taken gets _2, _3, …: (Intercept) is Intercept,
//     x:region[north] is x_region_north, I(x^2) is I_x_2.
//
// The second rule loses characters, so WriteDraws also records the exact names in
// comment lines, from which [ReadDraws] restores them.
func ColumnNames(names []string) []string {
	out := make([]string, len(names))
	taken := make(map[string]bool, len(names))
	roots := make(map[string]bool)
	next := make(map[string]int) // suffix to try next, so that equal bases cost O(1) each
	arrays := completeArrays(names)
	for i, n := range names {
		if root, idx, ok := indexed(n); ok && arrays[root] {
			out[i] = root + "." + strings.Join(idx, ".")
			roots[root] = true
		}
	}
	for i, n := range names {
		if out[i] != "" {
			continue
		}
		base := identifier(n)
		name := base
		for taken[name] || roots[name] {
			next[base] = max(next[base], 1) + 1
			name = base + "_" + strconv.Itoa(next[base])
		}
		taken[name] = true
		out[i] = name
	}
	return out
}

// identifier applies the second rule of ColumnNames.
func identifier(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range s {
		if r != unicode.ReplacementChar && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			if gap && b.Len() > 0 {
				b.WriteByte('_')
			}
			gap = false
			b.WriteRune(r)
		} else {
			gap = true
		}
	}
	id := b.String()
	if id == "" {
		return "v"
	}
	if r, _ := utf8.DecodeRuneInString(id); unicode.IsDigit(r) {
		return "v" + id
	}
	return id
}

// indexed splits root[i,j] with positive indices in their shortest form.
func indexed(s string) (root string, idx []string, ok bool) {
	open := strings.IndexByte(s, '[')
	if open <= 0 || !strings.HasSuffix(s, "]") {
		return "", nil, false
	}
	root = s[:open]
	if identifier(root) != root {
		return "", nil, false
	}
	idx = strings.Split(s[open+1:len(s)-1], ",")
	for _, d := range idx {
		n, err := strconv.Atoi(d)
		if err != nil || n < 1 || strconv.Itoa(n) != d {
			return "", nil, false
		}
	}
	return root, idx, true
}

// completeArrays returns the roots whose elements are all there, once each. A reader
// would fill the holes of an incomplete array with numbers that nobody computed.
func completeArrays(names []string) map[string]bool {
	type array struct {
		size  []int
		seen  map[string]bool
		count int
		bad   bool
	}
	arrays := make(map[string]*array)
	plain := make(map[string]bool)
	for _, n := range names {
		root, idx, ok := indexed(n)
		if !ok {
			plain[n] = true
			continue
		}
		a := arrays[root]
		if a == nil {
			a = &array{size: make([]int, len(idx)), seen: make(map[string]bool)}
			arrays[root] = a
		}
		a.count++
		key := strings.Join(idx, ",")
		a.bad = a.bad || len(idx) != len(a.size) || a.seen[key]
		a.seen[key] = true
		for k, d := range idx {
			if k < len(a.size) {
				if v, err := strconv.Atoi(d); err == nil {
					a.size[k] = max(a.size[k], v)
				}
			}
		}
	}
	out := make(map[string]bool)
	for root, a := range arrays {
		// Divided rather than multiplied, because indices may be large enough to overflow.
		left := a.count
		for _, s := range a.size {
			if a.bad || s == 0 || left%s != 0 {
				left = 0
				break
			}
			left /= s
		}
		if left == 1 && !plain[root] {
			out[root] = true
		}
	}
	return out
}

// encodeName writes a name so that no reader of the comment lines can mistake part of
// it for something else: everything but letters, digits and _.:-[]*^,/ is percent-
// encoded byte by byte.
func encodeName(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte("_.:-[]*^,/", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// decodeName inverts encodeName.
func decodeName(s string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		v, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err != nil {
			return "", false
		}
		b.WriteByte(byte(v))
		i += 2
	}
	return b.String(), true
}
