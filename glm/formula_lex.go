package glm

import (
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kinds of tokens; an operator or parenthesis is its own character.
const (
	tokEOF    rune = -1
	tokNumber rune = -2
	tokName   rune = -3
	tokQuoted rune = -4 // a name in backquotes: never a function
	tokDot    rune = -5
)

type token struct {
	kind rune
	text string
	num  float64
	pos  int
}

// String describes the token for a message.
func (t token) String() string {
	switch t.kind {
	case tokEOF:
		return "end of the formula"
	case tokNumber, tokName:
		return quote(t.text)
	case tokQuoted:
		return "`" + t.text + "`"
	case tokDot:
		return `"."`
	}
	return strconv.Quote(string(t.kind))
}

// parser holds one token of look-ahead.
type parser struct {
	src   string
	pos   int
	tok   token
	depth int
}

func newParser(s string) (*parser, error) {
	p := &parser{src: s}
	if len(s) > maxFormulaLen {
		p.src = ""
		return nil, p.errorAt(0, "the formula is %d bytes long, at most %d are read", len(s), maxFormulaLen)
	}
	if !utf8.ValidString(s) {
		return nil, p.errorAt(0, "the formula is not UTF-8 text")
	}
	return p, p.next()
}

// enter guards against nesting that would exhaust the stack.
func (p *parser) enter() error {
	p.depth++
	if p.depth > maxFormulaDepth {
		return p.errorf("parentheses and operators are nested more than %d deep", maxFormulaDepth)
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

// peekParen reports whether the text after the current token begins with (.
func (p *parser) peekParen() bool {
	return strings.HasPrefix(strings.TrimLeftFunc(p.src[p.pos:], unicode.IsSpace), "(")
}

// next reads the next token into p.tok.
func (p *parser) next() error {
	for p.pos < len(p.src) {
		r, n := utf8.DecodeRuneInString(p.src[p.pos:])
		if !unicode.IsSpace(r) {
			break
		}
		p.pos += n
	}
	p.tok = token{kind: tokEOF, pos: p.pos}
	if p.pos == len(p.src) {
		return nil
	}
	rest := p.src[p.pos:]
	r, size := utf8.DecodeRuneInString(rest)
	if n := identLen(rest); n > 0 {
		p.tok.kind, p.tok.text = tokName, rest[:n]
		p.pos += n
		return nil
	}
	switch {
	case r >= '0' && r <= '9' || r == '.' && len(rest) > 1 && isDigit(rest[1]):
		return p.number(rest)
	case r == '.':
		p.tok.kind = tokDot
	case r == '`':
		return p.quoted(rest)
	case strings.HasPrefix(rest, "**"):
		p.tok.kind, size = '^', 2
	case strings.ContainsRune("~+-*/^:(),|", r):
		p.tok.kind = r
	default:
		return p.errorf("unexpected character %q", r)
	}
	p.pos += size
	return nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// number reads digits, an optional fraction and an optional exponent.
func (p *parser) number(rest string) error {
	digits := func(i int) int {
		for i < len(rest) && isDigit(rest[i]) {
			i++
		}
		return i
	}
	i := digits(0)
	if i < len(rest) && rest[i] == '.' {
		i = digits(i + 1)
	}
	if i < len(rest) && (rest[i] == 'e' || rest[i] == 'E') {
		j := i + 1
		if j < len(rest) && (rest[j] == '+' || rest[j] == '-') {
			j++
		}
		if k := digits(j); k > j {
			i = k
		}
	}
	v, err := strconv.ParseFloat(rest[:i], 64)
	if errors.Is(err, strconv.ErrRange) {
		return p.errorf("the number %s is out of range", quote(rest[:i]))
	}
	if err != nil {
		return p.errorf("%s is not a number", quote(rest[:i]))
	}
	if r, _ := utf8.DecodeRuneInString(rest[i:]); i < len(rest) && (identStart(r) || r == '.') {
		return p.errorf("a name cannot begin with a digit; write such a column in backquotes")
	}
	p.tok.kind, p.tok.text, p.tok.num = tokNumber, rest[:i], v
	p.pos += i
	return nil
}

// quoted reads a name in backquotes, in which \ escapes ` and itself.
func (p *parser) quoted(rest string) error {
	var b strings.Builder
	for i := 1; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '`':
			if b.Len() == 0 {
				return p.errorf("an empty name in backquotes")
			}
			p.tok.kind, p.tok.text = tokQuoted, b.String()
			p.pos += i + 1
			return nil
		case c == '\\' && i+1 < len(rest) && (rest[i+1] == '`' || rest[i+1] == '\\'):
			i++
			b.WriteByte(rest[i])
		default:
			b.WriteByte(c)
		}
	}
	return p.errorf("the backquote is not closed")
}

func identStart(r rune) bool { return r == '_' || unicode.IsLetter(r) }

// identLen returns the length of the identifier at the start of s: letters,
// digits, _ and dots, beginning with a letter, _ or a dot that neither stands
// alone nor begins a number.
func identLen(s string) int {
	i := 0
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		ok := identStart(r) || r == '.' || i > 0 && (unicode.IsDigit(r) || unicode.IsMark(r))
		if !ok {
			break
		}
		i += n
	}
	if i == 1 && s[0] == '.' || len(s) > 1 && s[0] == '.' && isDigit(s[1]) {
		return 0
	}
	return i
}

// writeName writes a column's name, in backquotes if it needs them.
func writeName(b *strings.Builder, name string) {
	if identLen(name) == len(name) && name != "" {
		b.WriteString(name)
		return
	}
	b.WriteByte('`')
	for i := 0; i < len(name); i++ {
		if name[i] == '`' || name[i] == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(name[i])
	}
	b.WriteByte('`')
}
