package glm

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseFormulaCanonical(t *testing.T) {
	for in, want := range map[string]string{
		"y~x":                             "y ~ x",
		" y ~ a+b  - 1":                   "y ~ a + b - 1",
		"y ~ a*b:c + (d+e)^2":             "y ~ a * b:c + (d + e)^2",
		"y ~ (a+b)**2":                    "y ~ (a + b)^2",
		"y ~ a:(b:c)":                     "y ~ a:(b:c)",
		"y ~ ((a))":                       "y ~ a",
		"y ~ a + (b - c)":                 "y ~ a + (b - c)",
		"y ~ -1 + x":                      "y ~ -1 + x",
		"y ~ factor(f)":                   "y ~ C(f)",
		"y ~ I( x ^2/ 2+-x )":             "y ~ I(x^2/2 + -x)",
		"y ~ I((a-b)-c)":                  "y ~ I(a - b - c)",
		"y ~ I(a-(b-c))":                  "y ~ I(a - (b - c))",
		"y ~ I((-a)^2 + -a^2)":            "y ~ I((-a)^2 + -a^2)",
		"y ~ I(a^b^c) + I((a^b)^c)":       "y ~ I(a^b^c) + I((a^b)^c)",
		"y ~ I(2e3*x + .5)":               "y ~ I(2000 * x + 0.5)",
		"y ~ `a name` + `x` + `b\\`\\\\`": "y ~ `a name` + x + `b\\`\\\\`",
		"log(y) ~ größe + .x1":            "log(y) ~ größe + .x1",
		"cbind(s,f) ~ .":                  "cbind(s, f) ~ .",
		"y|trials(n+1)~1":                 "y | trials(n + 1) ~ 1",
		"y ~ x + offset( log(e) )":        "y ~ x + offset(log(e))",
		"log ~ exp + cbind":               "log ~ exp + cbind",
	} {
		f, err := ParseFormula(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := f.String(); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
		if g := mustFormula(t, f.String()); g.String() != f.String() {
			t.Errorf("%s is not stable: %s", f, g)
		}
	}
}

// TestExpand checks the algebra of terms; the cases with a model matrix are
// compared with R in TestReferenceDesign.
func TestExpand(t *testing.T) {
	for in, want := range map[string]string{
		"y ~ a*b*c":             "1 a b c a:b a:c b:c a:b:c",
		"y ~ (a+b+c)^2":         "1 a b c a:b a:c b:c",
		"y ~ (a+b+c)^9":         "1 a b c a:b a:c b:c a:b:c",
		"y ~ a*b - a:b":         "1 a b",
		"y ~ a*b - b":           "1 a a:b",
		"y ~ b:a + a + b":       "1 a b b:a",
		"y ~ a:a + a + a:b:a":   "1 a a:b",
		"y ~ a/b":               "1 a a:b",
		"y ~ (a+b)/c":           "1 a b a:b:c",
		"y ~ a/(b+c)":           "1 a a:b a:c",
		"y ~ a*b - (a + b)":     "1 a:b",
		"y ~ a - 1":             "a",
		"y ~ 0 + a":             "a",
		"y ~ a + 0 + 1":         "1 a",
		"y ~ a - 0":             "1 a",
		"y ~ -1 + a":            "a",
		"y ~ 1":                 "1",
		"y ~ a - (1 + b) + b":   "a b",
		"y ~ . - b":             "1 a c",
		"y ~ .^2 - a:b":         "1 a b c a:c b:c",
		"y ~ .:a":               "1 a a:b a:c",
		"y ~ log(a) + log( a )": "1 log(a)",
	} {
		f := mustFormula(t, in)
		m, err := f.expand([]string{"a", "b", "c"})
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		var got []string
		if m.intercept {
			got = append(got, "1")
		}
		for _, tm := range m.terms {
			got = append(got, m.label(tm))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: %s, want %s", in, s, want)
		}
	}
	f := mustFormula(t, "log(y) | trials(n) ~ a*`b c` + I(a + d) + offset(e) + .")
	if got := fmt.Sprint(f.Columns()); got != "[y n a b c d e]" || !f.usesDot() {
		t.Error(got)
	}
}

func TestFormulaErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":                          "0 unexpected end of the formula",
		"y":                         "1 want ~ after the response",
		"~ x":                       "0 no response",
		"y ~":                       "3 want a term",
		"y ~ x +":                   "7 want a term",
		"y ~ x + * z":               "8 unexpected \"*\"",
		"y ~ (x + z":                "10 want )",
		"y ~ x)":                    "5 want an operator or the end",
		"y ~ x z":                   "6 want an operator or the end",
		"y ~ x ~ z":                 "6 unexpected \"~\"",
		"y ~ x & z":                 "6 unexpected character '&'",
		"y ~ x^2":                   "5 write I(x^...)",
		"y ~ (a+b)^0":               "10 whole number",
		"y ~ (a+b)^1.5":             "10 whole number",
		"y ~ (a+b)^x":               "10 whole number",
		"y ~ 2*x":                   "4 the number 2 is no term",
		"y ~ 1:x":                   "4 switch the intercept",
		"y ~ lgo(x)":                "4 did you mean log?",
		"y ~ wobble(x)":             "4 there are C, I, abs",
		"y ~ log(x, 2)":             "4 log has 2 arguments",
		"y ~ log()":                 "8 needs an argument",
		"y ~ I(x:z)":                "7 cannot stand inside arithmetic",
		"y ~ I(.)":                  "6 a dot cannot",
		"y ~ I(C(f))":               "6 cannot stand inside arithmetic",
		"y ~ C(log(f))":             "6 takes the name of a column",
		"y ~ x - offset(e)":         "8 can only be added",
		"y ~ x:offset(e)":           "6 can only be added",
		"y ~ x + (1 | g)":           "11 group effects",
		"y ~ `x":                    "4 not closed",
		"y ~ ``":                    "4 empty name",
		"y ~ 2x":                    "4 cannot begin with a digit",
		"y ~ I(1e999 * x)":          "6 out of range",
		"cbind(s) ~ x":              "0 cbind has 1 arguments",
		"cbind(s,f)|trials(n)~x":    "10 already gives the trials",
		"y | n ~ x":                 "4 want trials(column)",
		"y | trials(n, m) ~ x":      "4 trials has 2 arguments",
		"y ~ cbind(a, b)":           "4 belongs to the response",
		"log(y) ~ x + y + log( y )": "17 the response log(y) is also a term",
		"y ~ \xff":                  "0 not UTF-8",
	} {
		_, err := ParseFormula(in)
		var e *FormulaError
		if !errors.As(err, &e) {
			t.Errorf("%q: got %v, want a *FormulaError", in, err)
			continue
		}
		if got := fmt.Sprint(e.Pos, " ", e.Msg); !strings.HasPrefix(got, want[:strings.Index(want, " ")+1]) || !strings.Contains(got, want[strings.Index(want, " ")+1:]) {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestFormulaErrorCaret(t *testing.T) {
	_, err := ParseFormula("größe ~ x + * z")
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 3 {
		t.Fatal(err)
	}
	at := slices.Index([]rune(lines[2]), '^')
	if got := []rune(lines[1])[at]; got != '*' {
		t.Errorf("the caret stands under %q:\n%v", got, err)
	}
	_, err = ParseFormula("y ~ " + strings.Repeat("x + ", 300) + "\n* " + strings.Repeat("+ x", 300))
	lines = strings.Split(err.Error(), "\n")
	if len(lines) != 3 || len(lines[1]) > 200 || []rune(lines[1])[slices.Index([]rune(lines[2]), '^')] != '*' {
		t.Error(err)
	}
}

// A formula from a stranger must neither run long nor overflow the stack.
func TestFormulaHostile(t *testing.T) {
	vars := make([]string, 600)
	for i := range vars {
		vars[i] = fmt.Sprintf("x%d", i)
	}
	start := time.Now()
	for name, s := range map[string]string{
		"deep":    "y ~ " + strings.Repeat("(", 30000) + "x" + strings.Repeat(")", 30000),
		"minus":   "y ~ I(" + strings.Repeat("-", 60000) + "x)",
		"powers":  "y ~ I(x" + strings.Repeat("^x", 30000) + ")",
		"calls":   "y ~ " + strings.Repeat("I(", 20000) + "x",
		"cross":   "y ~ (" + strings.Join(vars, "+") + ")^600",
		"stars":   "y ~ " + strings.Join(vars, "*"),
		"degree":  "y ~ " + strings.Join(vars, ":"),
		"long":    "y ~ " + strings.Repeat("x + ", 30000) + "x",
		"args":    "y ~ log(" + strings.Repeat("x,", 30000) + "x)",
		"removal": "y ~ (" + strings.Join(vars, "+") + ")" + strings.Repeat(" - z", 3000),
	} {
		if _, err := ParseFormula(s); err == nil {
			t.Errorf("%s: accepted", name)
		} else if len(err.Error()) > 2000 {
			t.Errorf("%s: a message of %d bytes", name, len(err.Error()))
		}
	}
	if _, err := ParseFormula("y ~ " + strings.Join(vars, " + ")); err != nil {
		t.Errorf("a sum of 600 columns: %v", err)
	}
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("took %v", d)
	}
}

func FuzzParseFormula(f *testing.F) {
	for _, s := range []string{
		"y ~ x", "y ~ a*b + (c + d)^2 - 1", "cbind(s, f) ~ C(g):x", "y | trials(n) ~ . - z + offset(log(e))", "log(y) ~ I(-x^2/3 + 1e-3) + scale(z)",
		"y ~ `a b`/c", "y~0+x", "y ~ -1 + (x)", "~", "y ~ (((", "y ~ x **2", "é ~ .5x", "y ~ I(a^-b^c)", "y ~ I(- -x)", "y ~ -(a - b) + c",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseFormula(s)
		if err != nil {
			var e *FormulaError
			if !errors.As(err, &e) || err.Error() == "" {
				t.Fatalf("%q: %v is no *FormulaError", s, err)
			}
			return
		}
		b, err := ParseFormula(a.String())
		if err != nil {
			t.Fatalf("%q: canonical form %q: %v", s, a, err)
		}
		if a.String() != b.String() {
			t.Fatalf("%q: %q becomes %q", s, a, b)
		}
		ma, errA := a.expand([]string{"u", "v"})
		mb, errB := b.expand([]string{"u", "v"})
		if (errA == nil) != (errB == nil) {
			t.Fatalf("%q: %v, %v", s, errA, errB)
		}
		if errA == nil && (ma.intercept != mb.intercept || len(ma.terms) != len(mb.terms)) {
			t.Fatalf("%q and %q have other terms", s, a)
		}
	})
}
