package report

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// FormatNumber writes x with sig significant digits (1 to 17; others are clamped)
// in the shorter of the fixed and the scientific notation, without trailing zeros.
// Non-finite values are written as NaN, Inf and -Inf.
func FormatNumber(x float64, sig int) string {
	if s, ok := nonFinite(x); ok {
		return s
	}
	return strconv.FormatFloat(x, 'g', min(max(sig, 1), 17), 64)
}

// FormatWith writes x with as many digits as its uncertainty sd warrants: sd itself
// would show two significant digits, three if its first digit is 1 or 2. The result
// is in fixed notation where that takes no more than 9 digits before and 6 after the
// decimal point, otherwise in scientific notation with equal resolution, so that
// no magnitude of x or sd loses the digits that matter. If sd is zero or not finite
// there is nothing to go by and x is written with six significant digits.
func FormatWith(x, sd float64) string {
	if s, ok := nonFinite(x); ok {
		return s
	}
	sd = math.Abs(sd)
	if sd == 0 || math.IsNaN(sd) || math.IsInf(sd, 0) {
		return FormatNumber(x, 6)
	}
	last := resolution(sd)
	if x == 0 && last > -15 && last < 1 {
		return fixed(0, max(-last, 0))
	}
	if math.Abs(x) < 1e9 && last >= -6 {
		return fixed(x, max(-last, 0))
	}
	if x == 0 {
		return "0"
	}
	digits := exponent(x) - last
	if digits < 0 {
		digits = 0
	}
	return strconv.FormatFloat(x, 'e', min(digits, 16), 64)
}

// resolution returns the decimal exponent of the last digit worth showing for a
// positive finite sd. Rounding may carry into the next power (0.0999 shows as
// 0.100), which only adds a digit.
func resolution(sd float64) int {
	s := strconv.FormatFloat(sd, 'e', 2, 64)
	e := exponent(sd)
	if s[0] == '1' || s[0] == '2' {
		return e - 2
	}
	return e - 1
}

// exponent returns floor(log10|x|) for finite non-zero x, from the decimal
// representation because math.Log10 is off by one near powers of ten.
func exponent(x float64) int {
	s := strconv.FormatFloat(x, 'e', 2, 64)
	e, err := strconv.Atoi(s[strings.IndexByte(s, 'e')+1:])
	if err != nil {
		return 0
	}
	return e
}

// fixed formats without producing a negative zero.
func fixed(x float64, decimals int) string {
	s := strconv.FormatFloat(x, 'f', decimals, 64)
	if strings.HasPrefix(s, "-") && strings.Trim(s, "-0.") == "" {
		return s[1:]
	}
	return s
}

func nonFinite(x float64) (string, bool) {
	switch {
	case math.IsNaN(x):
		return "NaN", true
	case math.IsInf(x, 1):
		return "Inf", true
	case math.IsInf(x, -1):
		return "-Inf", true
	}
	return "", false
}

// clean makes data text safe to lay out on one line and legal in XML: invalid UTF-8,
// control characters and the direction overrides that would reorder the text around
// them become a space or the replacement character.
func clean(s string) string {
	ok := utf8.ValidString(s)
	if ok {
		for _, r := range s {
			if bad(r) {
				ok = false
				break
			}
		}
	}
	if ok {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			b.WriteByte(' ')
		case bad(r):
			b.WriteRune(utf8.RuneError)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func bad(r rune) bool {
	return unicode.IsControl(r) || r == 0xFFFE || r == 0xFFFF ||
		(r >= 0x202A && r <= 0x202E) || (r >= 0x2066 && r <= 0x2069)
}

// shorten cuts s to at most n runes. It keeps both ends: factor levels differ at
// the end of the name, variables at the start.
func shorten(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	r := []rune(s)
	head := (n - 1) / 2
	tail := n - 1 - head
	return string(r[:head]) + "…" + string(r[len(r)-tail:])
}
