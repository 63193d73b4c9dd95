package glm

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/natgrad/natgrad/internal/spelling"
)

// Kinds of nodes.
const (
	nodeNum    byte = 'n'
	nodeCol    byte = 'c'
	nodeCall   byte = 'f'
	nodeNeg    byte = 'm' // unary minus
	nodeBinary byte = 'b' // + - * / ^ in op; also : in terms
	nodeDot    byte = '.'
)

// node is a formula's syntax tree, of terms and of arithmetic alike; the two
// grammars differ in their operators only.
type node struct {
	kind byte
	op   byte
	name string
	num  float64
	args []*node
	pos  int
	// arith marks arithmetic, whose operators bind in another order.
	arith bool
}

// walk calls f for n and everything below it; a nil n is empty.
func (n *node) walk(f func(*node)) {
	if n == nil {
		return
	}
	f(n)
	for _, a := range n.args {
		a.walk(f)
	}
}

// funcs are the functions of one variable; each is defined where ok says so.
var funcs = map[string]struct {
	f    func(float64) float64
	ok   func(float64) bool
	want string
}{
	"log":   {math.Log, positive, "a positive number"},
	"log2":  {math.Log2, positive, "a positive number"},
	"log10": {math.Log10, positive, "a positive number"},
	"log1p": {math.Log1p, func(x float64) bool { return x > -1 }, "a number above -1"},
	"sqrt":  {math.Sqrt, func(x float64) bool { return x >= 0 }, "a number that is not negative"},
	"exp":   {math.Exp, always, ""},
	"expm1": {math.Expm1, always, ""},
	"abs":   {math.Abs, always, ""},
	"sin":   {math.Sin, always, ""},
	"cos":   {math.Cos, always, ""},
	"tan":   {math.Tan, always, ""},
	"I":     {func(x float64) float64 { return x }, always, ""},
}

func positive(x float64) bool { return x > 0 }
func always(float64) bool     { return true }

// funcNames lists what may be called in arithmetic and, with extra, in terms.
func funcNames(extra ...string) []string {
	names := append([]string{"center", "scale"}, extra...)
	for s := range funcs {
		names = append(names, s)
	}
	slices.Sort(names)
	return names
}

// checkFunc refuses unknown functions and wrong numbers of arguments.
func (p *parser) checkFunc(n *node, allowed []string) error {
	if !slices.Contains(allowed, n.name) {
		switch n.name {
		case "C", "factor", "offset":
			return p.errorAt(n.pos, "%s(...) cannot stand inside arithmetic", n.name)
		case "cbind", "trials":
			return p.errorAt(n.pos, "%s(...) belongs to the response", n.name)
		}
		if s := spelling.Nearest(n.name, allowed); s != "" {
			return p.errorAt(n.pos, "unknown function %s; did you mean %s?", quote(n.name), s)
		}
		return p.errorAt(n.pos, "unknown function %s; there are %s", quote(n.name), strings.Join(allowed, ", "))
	}
	if len(n.args) != 1 {
		return p.errorAt(n.pos, "%s has %d arguments, want 1", n.name, len(n.args))
	}
	return nil
}

// arith parses arithmetic: ^ binds tightest and to the right, then unary
// minus, then * and /, then + and −, as in R.
func (p *parser) arith() (*node, error) {
	return p.binary("+-", func() (*node, error) { return p.binary("*/", p.arithUnary, true) }, true)
}

// binary parses operand (op operand)* with left-associative ops.
func (p *parser) binary(ops string, operand func() (*node, error), arith bool) (*node, error) {
	left, err := operand()
	if err != nil {
		return nil, err
	}
	// A long chain is a deep tree: the left spine counts as nesting too.
	for length := 0; p.tok.kind > 0 && strings.ContainsRune(ops, p.tok.kind); length++ {
		if length >= maxTerms {
			return nil, p.errorf("more than %d operators in a row", maxTerms)
		}
		op, pos := byte(p.tok.kind), p.tok.pos
		if err := p.next(); err != nil {
			return nil, err
		}
		right, err := operand()
		if err != nil {
			return nil, err
		}
		left = &node{kind: nodeBinary, op: op, args: []*node{left, right}, pos: pos, arith: arith}
	}
	return left, nil
}

func (p *parser) arithUnary() (*node, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	switch p.tok.kind {
	case '+':
		if err := p.next(); err != nil {
			return nil, err
		}
		return p.arithUnary()
	case '-':
		pos := p.tok.pos
		if err := p.next(); err != nil {
			return nil, err
		}
		a, err := p.arithUnary()
		if err != nil {
			return nil, err
		}
		return &node{kind: nodeNeg, args: []*node{a}, pos: pos, arith: true}, nil
	}
	base, err := p.arithAtom()
	if err != nil || p.tok.kind != '^' {
		return base, err
	}
	pos := p.tok.pos
	if err := p.next(); err != nil {
		return nil, err
	}
	exp, err := p.arithUnary()
	if err != nil {
		return nil, err
	}
	return &node{kind: nodeBinary, op: '^', args: []*node{base, exp}, pos: pos, arith: true}, nil
}

// name reads a name into n: that of a column, or, if called, of a function whose
// arguments are next.
func (p *parser) name(n *node) (called bool, err error) {
	quoted := p.tok.kind == tokQuoted
	n.kind, n.name = nodeCol, p.tok.text
	if err := p.next(); err != nil {
		return false, err
	}
	return !quoted && p.tok.kind == '(', nil
}

func (p *parser) arithAtom() (*node, error) {
	n := &node{pos: p.tok.pos, arith: true}
	switch p.tok.kind {
	case tokNumber:
		n.kind, n.num = nodeNum, p.tok.num
		return n, p.next()
	case tokQuoted, tokName:
		called, err := p.name(n)
		if err != nil || !called {
			return n, err
		}
		n.kind = nodeCall
		if n.args, err = p.callArgs(n.name); err != nil {
			return nil, err
		}
		return n, p.checkFunc(n, funcNames())
	case '(':
		if err := p.next(); err != nil {
			return nil, err
		}
		inner, err := p.arith()
		if err != nil {
			return nil, err
		}
		return inner, p.closeParen()
	case tokDot:
		return nil, p.errorf("a dot cannot stand inside arithmetic")
	}
	return nil, p.errorf("unexpected %s, want a column, a number or a function", p.tok)
}

// callArgs parses "(" arithmetic {"," arithmetic} ")".
func (p *parser) callArgs(name string) ([]*node, error) {
	if err := p.next(); err != nil {
		return nil, err
	}
	var args []*node
	for {
		if p.tok.kind == ')' && len(args) == 0 {
			return nil, p.errorf("%s() needs an argument", name)
		}
		a, err := p.arith()
		if err != nil {
			return nil, err
		}
		args = append(args, a)
		if p.tok.kind != ',' {
			return args, p.closeParen()
		}
		if err := p.next(); err != nil {
			return nil, err
		}
	}
}

func (p *parser) closeParen() error {
	if p.tok.kind == ':' || p.tok.kind == '|' {
		return p.errorf("%s cannot stand inside arithmetic", p.tok)
	}
	if p.tok.kind != ')' {
		return p.errorf("unexpected %s, want )", p.tok)
	}
	return p.next()
}

// prec orders operators by how tightly they bind.
func (n *node) prec() int {
	switch n.kind {
	case nodeNeg:
		if n.arith {
			return 3
		}
		return 1
	case nodeBinary:
		switch n.op {
		case '+', '-':
			return 1
		case '*', '/':
			return 2
		case ':':
			return 3
		}
		return 4
	}
	return 5
}

// String returns the canonical text of the node, which is also the name of
// the variable it stands for.
func (n *node) String() string {
	var b strings.Builder
	n.write(&b)
	return b.String()
}

func (n *node) write(b *strings.Builder) {
	switch n.kind {
	case nodeNum:
		b.WriteString(strconv.FormatFloat(n.num, 'g', -1, 64))
	case nodeCol:
		writeName(b, n.name)
	case nodeDot:
		b.WriteByte('.')
	case nodeCall:
		b.WriteString(n.name)
		b.WriteByte('(')
		for i, a := range n.args {
			if i > 0 {
				b.WriteString(", ")
			}
			a.write(b)
		}
		b.WriteByte(')')
	case nodeNeg:
		b.WriteByte('-')
		if n.arith {
			n.args[0].writeIn(b, 3)
		} else {
			n.args[0].writeIn(b, 2)
		}
	default:
		left, right := n.prec(), n.prec()+1
		if n.op == '^' {
			left, right = 5, 3
		}
		n.args[0].writeIn(b, left)
		switch {
		case n.op == '^' || n.op == ':' || n.op == '/' && n.arith:
			b.WriteByte(n.op)
		default:
			fmt.Fprintf(b, " %c ", n.op)
		}
		n.args[1].writeIn(b, right)
	}
}

// writeIn writes n, in parentheses if it binds less tightly than need be.
func (n *node) writeIn(b *strings.Builder, prec int) {
	if n.prec() < prec {
		b.WriteByte('(')
		n.write(b)
		b.WriteByte(')')
		return
	}
	n.write(b)
}
