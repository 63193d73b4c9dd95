package glm

import (
	"fmt"
	"strings"
)

// Formula is a parsed model formula. It does not change and may be shared.
type Formula struct {
	src      string
	response *node // left of ~, without | trials(...)
	trials   *node // argument of trials(...), nil if absent
	rhs      *node
}

// Limits on a formula, far above what a person writes; they keep a hostile
// one from exhausting memory or stack.
const (
	maxFormulaLen   = 1 << 16
	maxFormulaDepth = 100
	maxTerms        = 1 << 12
	maxDegree       = 64      // variables in one interaction
	maxTermWork     = 1 << 18 // products of terms formed while expanding
)

// ParseFormula parses a Wilkinson formula (Wilkinson and Rogers 1973) with
// the meaning that R gives it:
//
//	y ~ x1 + x2          intercept and two terms
//	a:b                  interaction; a*b is a + b + a:b; a/b is a + a:b
//	(a + b + c)^2        main effects and interactions up to order 2
//	- 1, + 0             no intercept; "- term" removes a term
//	.                    all columns that the response does not use
//	I(x^2 / 2)           arithmetic on columns: + - * / ^ and functions
//	log(x), sqrt(x + 1)  log log2 log10 log1p exp expm1 sqrt abs sin cos tan
//	center(x), scale(x)  x minus its mean; divided by its sd (n − 1) as well
//	C(x)                 x as a factor; text columns are factors anyway
//	offset(log(e))       added to the linear predictor with coefficient 1
//	`a name`             a column whose name is no identifier
//
// The response is a column or an expression such as log(y); for grouped
// binomial data it is cbind(successes, failures) or successes | trials(n).
//
// Terms are ordered by degree, then by appearance; equal terms are merged. A
// number other than 0 and 1, and a power of a single column, which R reads as
// the column itself, are errors that suggest I(...). All errors are
// [*FormulaError].
func ParseFormula(s string) (*Formula, error) {
	p, err := newParser(s)
	if err != nil {
		return nil, err
	}
	f := &Formula{src: s}
	if p.tok.kind == '~' {
		return nil, p.errorf("the formula has no response; write it as y ~ ...")
	}
	if f.response, err = p.response(); err != nil {
		return nil, err
	}
	if p.tok.kind == '|' {
		if f.trials, err = p.trialsClause(f.response); err != nil {
			return nil, err
		}
	}
	if p.tok.kind != '~' {
		return nil, p.errorf("unexpected %s, want ~ after the response", p.tok)
	}
	if err := p.next(); err != nil {
		return nil, err
	}
	if f.rhs, err = p.terms(); err != nil {
		return nil, err
	}
	if p.tok.kind != tokEOF {
		return nil, p.errorf("unexpected %s, want an operator or the end", p.tok)
	}
	// The dot needs the data, everything else can be refused now.
	m, err := f.expand(nil)
	if err != nil {
		return nil, err
	}
	response := f.response.String()
	for _, t := range m.terms {
		if len(t) == 1 && m.vars[t[0]].String() == response {
			return nil, p.errorAt(m.vars[t[0]].pos, "the response %s is also a term", response)
		}
	}
	return f, nil
}

// String returns the formula in canonical form: parsing it gives an equal
// formula with the same String.
func (f *Formula) String() string {
	if f == nil {
		return "<nil>"
	}
	var b strings.Builder
	f.response.write(&b)
	if f.trials != nil {
		b.WriteString(" | trials(")
		f.trials.write(&b)
		b.WriteByte(')')
	}
	b.WriteString(" ~ ")
	f.rhs.write(&b)
	return b.String()
}

// Columns returns the names of the columns that the formula mentions, in the
// order of their first appearance, the response's first. A dot stands for no
// name here.
func (f *Formula) Columns() []string {
	var names []string
	seen := make(map[string]bool)
	for _, n := range []*node{f.response, f.trials, f.rhs} {
		n.walk(func(m *node) {
			if m.kind == nodeCol && !seen[m.name] {
				seen[m.name] = true
				names = append(names, m.name)
			}
		})
	}
	return names
}

// usesDot reports whether the right-hand side contains a dot.
func (f *Formula) usesDot() bool {
	dot := false
	f.rhs.walk(func(m *node) { dot = dot || m.kind == nodeDot })
	return dot
}

// modelTerms is a right-hand side after expansion.
type modelTerms struct {
	intercept bool
	vars      []*node // distinct variables, in order of appearance
	terms     []term  // sorted by degree, then appearance; no empty term
	offsets   []*node // arguments of offset(...)
}

// label is R's name of a term: its variables joined by colons.
func (m *modelTerms) label(t term) string {
	s := make([]string, len(t))
	for i, v := range t {
		s[i] = m.vars[v].String()
	}
	return strings.Join(s, ":")
}

// expand applies the algebra of terms; dot lists the columns that a dot
// stands for.
func (f *Formula) expand(dot []string) (*modelTerms, error) {
	x := &expander{src: f.src, index: make(map[string]int), dot: dot}
	x.m.intercept = true
	list, err := x.expand(f.rhs, true, true)
	if err != nil {
		return nil, err
	}
	x.m.terms = sortTerms(list)
	return &x.m, nil
}

// response parses the left-hand side up to | or ~.
func (p *parser) response() (*node, error) {
	if p.tok.kind == tokName && p.tok.text == "cbind" && p.peekParen() {
		n := &node{kind: nodeCall, name: "cbind", pos: p.tok.pos}
		if err := p.next(); err != nil {
			return nil, err
		}
		args, err := p.callArgs(n.name)
		if err != nil {
			return nil, err
		}
		if len(args) != 2 {
			return nil, p.errorAt(n.pos, "cbind has %d arguments, want cbind(successes, failures)", len(args))
		}
		n.args = args
		return n, nil
	}
	return p.arith()
}

// trialsClause parses "| trials(expr)".
func (p *parser) trialsClause(response *node) (*node, error) {
	if response.kind == nodeCall && response.name == "cbind" {
		return nil, p.errorf("cbind(successes, failures) already gives the trials")
	}
	if err := p.next(); err != nil {
		return nil, err
	}
	pos := p.tok.pos
	if p.tok.kind != tokName || p.tok.text != "trials" {
		return nil, p.errorf("unexpected %s, want trials(column) after |", p.tok)
	}
	if err := p.next(); err != nil {
		return nil, err
	}
	if p.tok.kind != '(' {
		return nil, p.errorf("unexpected %s, want ( after trials", p.tok)
	}
	args, err := p.callArgs("trials")
	if err != nil {
		return nil, err
	}
	if len(args) != 1 {
		return nil, p.errorAt(pos, "trials has %d arguments, want 1", len(args))
	}
	return args[0], nil
}

func (p *parser) errorf(format string, args ...any) error {
	return p.errorAt(p.tok.pos, format, args...)
}

func (p *parser) errorAt(pos int, format string, args ...any) error {
	return &FormulaError{Formula: p.src, Pos: pos, Msg: fmt.Sprintf(format, args...)}
}
