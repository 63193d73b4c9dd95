package glm

import (
	"fmt"
	"slices"
	"strconv"
)

// terms parses a sum of terms: ^ binds tightest, then :, then * and /, then
// + and −, as in R. A leading sign belongs to the first term.
func (p *parser) terms() (*node, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	product := func() (*node, error) {
		return p.binary("*/", func() (*node, error) { return p.binary(":", p.power, false) }, false)
	}
	first := true
	return p.binary("+-", func() (*node, error) {
		pos, minus := p.tok.pos, false
		if first && (p.tok.kind == '-' || p.tok.kind == '+') {
			minus = p.tok.kind == '-'
			if err := p.next(); err != nil {
				return nil, err
			}
		}
		first = false
		n, err := product()
		if err == nil && minus {
			n = &node{kind: nodeNeg, args: []*node{n}, pos: pos}
		}
		return n, err
	}, false)
}

// power parses atom or atom^integer.
func (p *parser) power() (*node, error) {
	base, err := p.termAtom()
	if err != nil || p.tok.kind != '^' {
		return base, err
	}
	if base.kind != nodeBinary && base.kind != nodeDot {
		return nil, p.errorf("the power of a single term is the term itself; write I(%s^...) for arithmetic", base)
	}
	pos := p.tok.pos
	if err := p.next(); err != nil {
		return nil, err
	}
	k := p.tok.num
	if p.tok.kind != tokNumber || k < 1 || k > maxTerms || k != float64(int(k)) {
		return nil, p.errorf("unexpected %s, want a whole number from 1 as the order of interactions", p.tok)
	}
	exp := &node{kind: nodeNum, num: k, pos: p.tok.pos}
	n := &node{kind: nodeBinary, op: '^', args: []*node{base, exp}, pos: pos}
	if err := p.next(); err != nil {
		return nil, err
	}
	if p.tok.kind == '^' {
		return nil, p.errorf("a second ^ needs parentheses")
	}
	return n, nil
}

func (p *parser) termAtom() (*node, error) {
	n := &node{pos: p.tok.pos}
	switch p.tok.kind {
	case tokNumber:
		if p.tok.num != 0 && p.tok.num != 1 {
			return nil, p.errorf("the number %s is no term; write arithmetic as I(...), a constant shift as offset(...)", p.tok.text)
		}
		n.kind, n.num = nodeNum, p.tok.num
		return n, p.next()
	case tokDot:
		n.kind = nodeDot
		return n, p.next()
	case tokQuoted, tokName:
		called, err := p.name(n)
		if err != nil || !called {
			return n, err
		}
		return p.termCall(n)
	case '(':
		if err := p.next(); err != nil {
			return nil, err
		}
		inner, err := p.terms()
		if err != nil {
			return nil, err
		}
		if p.tok.kind == '|' {
			return nil, p.errorf("group effects (... | group) are not read by this formula; C(group) gives one coefficient a level")
		}
		if p.tok.kind != ')' {
			return nil, p.errorf("unexpected %s, want )", p.tok)
		}
		return inner, p.next()
	}
	return nil, p.errorf("unexpected %s, want a term", p.tok)
}

// termCall parses the arguments of a function that stands as a term.
func (p *parser) termCall(n *node) (*node, error) {
	var err error
	n.kind = nodeCall
	if n.args, err = p.callArgs(n.name); err != nil {
		return nil, err
	}
	if n.name == "factor" {
		n.name = "C"
	}
	if err := p.checkFunc(n, funcNames("C", "offset")); err != nil {
		return nil, err
	}
	if n.name == "C" && n.args[0].kind != nodeCol {
		return nil, p.errorAt(n.args[0].pos, "C(...) takes the name of a column, not %s", quote(n.args[0].String()))
	}
	return n, nil
}

// term is a set of variables, as increasing indices into modelTerms.vars.
type term []int

func (t term) key() string {
	b := make([]byte, 0, 4*len(t))
	for _, v := range t {
		b = strconv.AppendInt(b, int64(v), 36)
		b = append(b, ',')
	}
	return string(b)
}

// without returns t less variable v.
func (t term) without(v int) term {
	u := make(term, 0, len(t))
	for _, w := range t {
		if w != v {
			u = append(u, w)
		}
	}
	return u
}

// union returns the variables of a or b, in order.
func union(a, b term) term {
	u := append(slices.Clone(a), b...)
	slices.Sort(u)
	return slices.Compact(u)
}

// expander turns a syntax tree into a set of terms.
type expander struct {
	src   string
	m     modelTerms
	index map[string]int
	dot   []string
	work  int
}

func (x *expander) errorAt(n *node, msg string) error {
	return &FormulaError{Formula: x.src, Pos: n.pos, Msg: msg}
}

// variable returns the one-variable term of n.
func (x *expander) variable(n *node) term {
	key := n.String()
	i, ok := x.index[key]
	if !ok {
		i = len(x.m.vars)
		x.index[key] = i
		x.m.vars = append(x.m.vars, n)
	}
	return term{i}
}

// expand returns the terms of n without repetition. sum says that n is an
// operand of + and − only, plus that it is added rather than removed. As in
// R, 1 and 0 switch the intercept in the order in which they are read.
func (x *expander) expand(n *node, sum, plus bool) ([]term, error) {
	switch n.kind {
	case nodeNum:
		if !sum {
			return nil, x.errorAt(n, "0 and 1 switch the intercept and can only be added or removed")
		}
		x.m.intercept = (n.num == 1) == plus
		return nil, nil
	case nodeCol:
		return []term{x.variable(n)}, nil
	case nodeDot:
		var list []term
		for _, name := range x.dot {
			list = append(list, x.variable(&node{kind: nodeCol, name: name, pos: n.pos}))
		}
		return list, nil
	case nodeCall:
		if n.name != "offset" {
			return []term{x.variable(n)}, nil
		}
		if !sum || !plus {
			return nil, x.errorAt(n, "offset(...) can only be added")
		}
		x.m.offsets = append(x.m.offsets, n.args[0])
		return nil, nil
	case nodeNeg:
		if _, err := x.expand(n.args[0], sum, !plus); err != nil {
			return nil, err
		}
		return nil, nil
	}
	return x.expandBinary(n, sum, plus)
}

func (x *expander) expandBinary(n *node, sum, plus bool) ([]term, error) {
	if n.op == '+' {
		return x.expandSum(n, sum, plus)
	}
	additive := n.op == '-'
	a, err := x.expand(n.args[0], sum && additive, plus)
	if err != nil {
		return nil, err
	}
	if n.op == '^' {
		list := a
		for k := 1; k < int(n.args[1].num); k++ {
			before := len(list)
			if list, err = x.cross(n, list, a, true); err != nil {
				return nil, err
			}
			if len(list) == before {
				break
			}
		}
		return list, nil
	}
	b, err := x.expand(n.args[1], sum && additive, plus == (n.op != '-'))
	if err != nil {
		return nil, err
	}
	switch n.op {
	case '-':
		if x.work += len(a); x.work > maxTermWork {
			return nil, x.errorAt(n, "the formula expands to too many terms")
		}
		gone := make(map[string]bool, len(b))
		for _, t := range b {
			gone[t.key()] = true
		}
		return slices.DeleteFunc(slices.Clone(a), func(t term) bool { return gone[t.key()] }), nil
	case ':':
		return x.cross(n, a, b, false)
	case '/':
		// a/b is a plus b within the interaction of all variables of a.
		var all term
		for _, t := range a {
			if all = union(all, t); len(all) > maxDegree {
				break
			}
		}
		inner, err := x.cross(n, []term{all}, b, false)
		if err != nil {
			return nil, err
		}
		return x.merge(n, a, inner)
	}
	list, err := x.merge(n, a, b)
	if err != nil {
		return nil, err
	}
	ab, err := x.cross(n, a, b, false)
	if err != nil {
		return nil, err
	}
	return x.merge(n, list, ab)
}

// expandSum expands all operands of a chain of + at once, so that the time
// grows linearly in its length.
func (x *expander) expandSum(n *node, sum, plus bool) ([]term, error) {
	var operands []*node
	top := n
	for ; n.kind == nodeBinary && n.op == '+'; n = n.args[0] {
		operands = append(operands, n.args[1])
	}
	operands = append(operands, n)
	slices.Reverse(operands)
	lists := make([][]term, len(operands))
	for i, o := range operands {
		var err error
		if lists[i], err = x.expand(o, sum, plus); err != nil {
			return nil, err
		}
	}
	return x.merge(top, lists...)
}

// merge returns the terms of all lists, each once, in order.
func (x *expander) merge(n *node, lists ...[]term) ([]term, error) {
	size := 0
	for _, s := range lists {
		size += len(s)
	}
	x.work += size
	seen := make(map[string]bool, size)
	list := make([]term, 0, size)
	for _, s := range lists {
		for _, t := range s {
			if k := t.key(); !seen[k] {
				seen[k] = true
				list = append(list, t)
			}
		}
	}
	if len(list) > maxTerms || x.work > maxTermWork {
		return nil, x.errorAt(n, "the formula expands to too many terms")
	}
	return list, nil
}

// cross returns the products of terms of a and b, after those of a if keep.
func (x *expander) cross(n *node, a, b []term, keep bool) ([]term, error) {
	if x.work += len(a) * len(b); x.work > maxTermWork {
		return nil, x.errorAt(n, "the formula expands to too many terms")
	}
	var list []term
	for _, s := range a {
		for _, t := range b {
			u := union(s, t)
			if len(u) > maxDegree {
				return nil, x.errorAt(n, fmt.Sprintf("an interaction of more than %d variables", maxDegree))
			}
			list = append(list, u)
		}
	}
	if keep {
		return x.merge(n, a, list)
	}
	return x.merge(n, list)
}

// sortTerms orders terms by degree and keeps the order of appearance within.
func sortTerms(list []term) []term {
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, func(a, b term) int { return len(a) - len(b) })
	return sorted
}
