package main

import (
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"go/types"
	"slices"
	"strings"
	"testing"
)

const source = `package demo

const Third, Big, Huge, Word = 1.0 / 3, 1<<64 - 1, 1 << 200, "w"
var Count int
func Plain(x float64) float64 { return x }
func Map[T any](x T) T { return x }
type Pair[A, B any] struct { A A; B B }
type Same[T any] = []T
type Number interface { ~int | ~float64 }
type FPair = Pair[float64, float64]
type Logger interface { Printf(format string, args ...any) (n int, err error); Do() }
type Sealed interface { sealed() }
type hidden struct{}
type Leaky interface { Leak() []hidden }
func unexported() {}
`

func TestGenerate(t *testing.T) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "demo.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := new(types.Config).Check("example.com/demo", fset, []*ast.File{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := newGenerator()
	g.add(pkg)
	g.add(types.NewPackage("example.com/empty", "empty"))
	src, err := format.Source(g.file("main"))
	if err != nil {
		t.Fatalf("%v\n%s", err, g.file("main"))
	}
	text := strings.Join(strings.Fields(string(src)), " ")
	for _, want := range []string{
		`"Third": reflect.ValueOf((p0.Third))`, `"Third": "float:1/3"`, `"Word": "string:w"`,
		`"Big": reflect.ValueOf(uint64(p0.Big))`, `"Huge": "int:160693804425899027554196209234`,
		`"Count": reflect.ValueOf(&p0.Count).Elem()`, `"Plain": reflect.ValueOf(p0.Plain)`,
		`"FPair": reflect.TypeOf((*p0.FPair)(nil)).Elem()`, `"Sealed": reflect.TypeOf((*p0.Sealed)(nil)).Elem()`,
		`func (P *proxy_p0_Logger) Printf(a0 string, a1 ...any) (int, error) { return P.Printf_(P.Object, a0, a1...) }`,
		`func (P *proxy_p0_Logger) Do() { P.Do_(P.Object) }`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the source lacks %s", want)
		}
	}
	for _, not := range []string{`p0.Huge)`, "p0.Map", "p0.Number", "proxy_p0_Sealed", "proxy_p0_Leaky", "unexported", "hidden", `p1 "example.com/empty"`} {
		if strings.Contains(text, not) {
			t.Errorf("the source contains %s", not)
		}
	}
	want := []string{
		"Leaky: no proxy, a type of a cell cannot satisfy it: method Leak needs example.com/demo.hidden", "Map: generic function", "Number: constraint",
		"Pair: generic type", "Same: generic alias", "Sealed: no proxy, a type of a cell cannot satisfy it: method sealed is not exported",
	}
	for i := range want {
		want[i] = "example.com/demo." + want[i]
	}
	if !slices.Equal(g.skipped, want) {
		t.Errorf("skipped\n%s\nwant\n%s", strings.Join(g.skipped, "\n"), strings.Join(want, "\n"))
	}
}
