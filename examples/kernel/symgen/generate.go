package main

import (
	"bytes"
	"fmt"
	"go/constant"
	"go/types"
	"sort"
	"strconv"
	"strings"
)

// generator collects the parts of the file.
type generator struct {
	inits   bytes.Buffer      // one init function a package
	proxies bytes.Buffer      // types and methods of the proxies
	names   map[string]string // import path → local name, of the packages that the file uses
	skipped []string
}

func newGenerator() *generator { return &generator{names: make(map[string]string)} }

// local returns the name under which the file imports a package.
func (g *generator) local(path string) string {
	n, ok := g.names[path]
	if !ok {
		n = "p" + strconv.Itoa(len(g.names))
		g.names[path] = n
	}
	return n
}

func (g *generator) skip(pkg *types.Package, name, why string) {
	g.skipped = append(g.skipped, pkg.Path()+"."+name+": "+why)
}

// section is one map literal of an imports.Package.
type section struct {
	field, typ string
	lines      []string
}

func (s *section) add(name, format string, args ...any) {
	s.lines = append(s.lines, strconv.Quote(name)+": "+fmt.Sprintf(format, args...)+",\n")
}

// add writes the init function of a package. Wrappers, the remaining field of
// imports.Package, stays empty: gomacro would take its methods off the tables that it
// reads by reflection, and those of types with embedded structs would not fit any more.
func (g *generator) add(pkg *types.Package) {
	binds := section{field: "Binds", typ: "reflect.Value"}
	kinds := section{field: "Types", typ: "reflect.Type"}
	proxies := section{field: "Proxies", typ: "reflect.Type"}
	untyped := section{field: "Untypeds", typ: "string"}
	scope := pkg.Scope()
	for _, name := range scope.Names() {
		obj := scope.Lookup(name)
		if !obj.Exported() {
			continue
		}
		ref := func() string { return g.local(pkg.Path()) + "." + name }
		switch obj := obj.(type) {
		case *types.Const:
			if lit, ok := untypedLiteral(obj); ok {
				untyped.add(name, "%q", lit)
			}
			if conv, ok := constType(obj); ok {
				binds.add(name, "reflect.ValueOf(%s(%s))", conv, ref())
			}
		case *types.Var:
			binds.add(name, "reflect.ValueOf(&%s).Elem()", ref())
		case *types.Func:
			sig := obj.Signature()
			if sig.TypeParams().Len() > 0 {
				g.skip(pkg, name, "generic function")
				continue
			}
			g.iterators(pkg, name, sig)
			binds.add(name, "reflect.ValueOf(%s)", ref())
		case *types.TypeName:
			if why := hidden(obj); why != "" {
				g.skip(pkg, name, why)
				continue
			}
			kinds.add(name, "reflect.TypeOf((*%s)(nil)).Elem()", ref())
			g.methods(pkg, name, obj.Type())
			if iface, ok := obj.Type().Underlying().(*types.Interface); ok && iface.NumMethods() > 0 {
				if p, why := g.proxy(pkg, name, iface); why != "" {
					g.skip(pkg, name, "no proxy, a type of a cell cannot satisfy it: "+why)
				} else {
					proxies.add(name, "reflect.TypeOf((*%s)(nil)).Elem()", p)
				}
			}
		}
	}
	fmt.Fprintf(&g.inits, "\nfunc init() {\nimports.Packages[%q] = imports.Package{\nName: %q,\n", pkg.Path(), pkg.Name())
	for _, s := range []section{binds, kinds, proxies, untyped} {
		if len(s.lines) > 0 {
			fmt.Fprintf(&g.inits, "%s: map[string]%s{\n%s},\n", s.field, s.typ, strings.Join(s.lines, ""))
		}
	}
	g.inits.WriteString("}\n}\n")
}

// hidden says why a type cannot be given to the interpreter, or is empty.
func hidden(obj *types.TypeName) string {
	if a, ok := obj.Type().(*types.Alias); ok && a.TypeParams().Len() > 0 {
		return "generic alias"
	}
	if n, ok := obj.Type().(*types.Named); ok && n.TypeParams().Len() > 0 {
		return "generic type"
	}
	if i, ok := obj.Type().Underlying().(*types.Interface); ok && !i.IsMethodSet() {
		return "constraint"
	}
	return ""
}

// iterators notes functions that return a function to range over, which an
// interpreter of Go 1.16 can only call.
func (g *generator) iterators(pkg *types.Package, name string, sig *types.Signature) {
	for v := range sig.Results().Variables() {
		if n, ok := types.Unalias(v.Type()).(*types.Named); ok && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == "iter" {
			g.skip(pkg, name, "returns an iterator: a cell can call it, not range over it")
		}
	}
}

func (g *generator) methods(pkg *types.Package, name string, t types.Type) {
	set := types.NewMethodSet(types.NewPointer(t))
	for m := range set.Methods() {
		if f, ok := m.Obj().(*types.Func); ok && f.Exported() {
			g.iterators(pkg, name+"."+f.Name(), f.Signature())
		}
	}
}

// untypedLiteral is gomacro's exact notation of an untyped constant.
func untypedLiteral(c *types.Const) (string, bool) {
	b, ok := c.Type().(*types.Basic)
	if !ok || b.Info()&types.IsUntyped == 0 {
		return "", false
	}
	v := c.Val()
	switch b.Kind() {
	case types.UntypedBool:
		return "bool:" + v.ExactString(), true
	case types.UntypedInt:
		return "int:" + constant.ToInt(v).ExactString(), true
	case types.UntypedRune:
		return "rune:" + constant.ToInt(v).ExactString(), true
	case types.UntypedFloat:
		return "float:" + v.ExactString(), true
	case types.UntypedComplex:
		return "complex:" + constant.Real(v).ExactString() + ":" + constant.Imag(v).ExactString(), true
	case types.UntypedString:
		return "string:" + constant.StringVal(v), true
	}
	return "", false
}

// constType is the conversion under which a constant becomes a value: none for typed
// ones, for untyped integers the first type that holds them. False if there is none.
func constType(c *types.Const) (string, bool) {
	b, ok := c.Type().(*types.Basic)
	if !ok || b.Kind() != types.UntypedInt {
		return "", true
	}
	v := constant.ToInt(c.Val())
	if _, exact := constant.Int64Val(v); exact {
		return "int64", true
	}
	_, exact := constant.Uint64Val(v)
	return "uint64", exact
}

// proxy writes the struct through which gomacro lets an interpreted type satisfy an
// interface: the value, and for each method M a field M_ that calls it. The second
// result says why there can be none.
func (g *generator) proxy(pkg *types.Package, name string, iface *types.Interface) (typ, why string) {
	for m := range iface.Methods() {
		if !m.Exported() {
			return "", "method " + m.Name() + " is not exported"
		}
		if t := unspeakable(m.Type(), nil); t != "" {
			return "", "method " + m.Name() + " needs " + t
		}
	}
	typ = "proxy_" + g.local(pkg.Path()) + "_" + name
	qualify := func(p *types.Package) string { return g.local(p.Path()) }
	var fields, methods strings.Builder
	for m := range iface.Methods() {
		sig := m.Signature()
		var params, args []string
		for i := range sig.Params().Len() {
			t := types.TypeString(sig.Params().At(i).Type(), qualify)
			arg := fmt.Sprintf("a%d", i)
			params = append(params, arg+" "+t)
			if sig.Variadic() && i == sig.Params().Len()-1 {
				params[i] = arg + " ..." + strings.TrimPrefix(t, "[]")
				arg += "..."
			}
			args = append(args, arg)
		}
		var results []string
		for v := range sig.Results().Variables() {
			results = append(results, types.TypeString(v.Type(), qualify))
		}
		res := "(" + strings.Join(results, ", ") + ")"
		fmt.Fprintf(&fields, "%s_ func(%s) %s\n", m.Name(), strings.Join(append([]string{"object interface{}"}, params...), ", "), res)
		call := fmt.Sprintf("P.%s_(%s)", m.Name(), strings.Join(append([]string{"P.Object"}, args...), ", "))
		if len(results) > 0 {
			call = "return " + call
		}
		fmt.Fprintf(&methods, "func (P *%s) %s(%s) %s { %s }\n", typ, m.Name(), strings.Join(params, ", "), res, call)
	}
	fmt.Fprintf(&g.proxies, "\ntype %s struct {\nObject interface{}\n%s}\n\n%s", typ, fields.String(), methods.String())
	return typ, ""
}

// unspeakable names a type inside t that another module cannot write: one that is not
// exported or lives in an internal package. An exported alias of such a type is fine.
func unspeakable(t types.Type, seen []types.Type) string {
	for _, s := range seen {
		if s == t {
			return ""
		}
	}
	seen = append(seen, t)
	all := func(list ...types.Type) string {
		for _, e := range list {
			if s := unspeakable(e, seen); s != "" {
				return s
			}
		}
		return ""
	}
	named := func(obj *types.TypeName, args *types.TypeList) string {
		if p := obj.Pkg(); p != nil {
			if path := "/" + p.Path() + "/"; !obj.Exported() || strings.Contains(path, "/internal/") || strings.Contains(path, "/vendor/") {
				return p.Path() + "." + obj.Name()
			}
		}
		for a := range args.Types() {
			if s := unspeakable(a, seen); s != "" {
				return s
			}
		}
		return ""
	}
	tuple := func(v *types.Tuple) string {
		for x := range v.Variables() {
			if s := unspeakable(x.Type(), seen); s != "" {
				return s
			}
		}
		return ""
	}
	switch t := t.(type) {
	case *types.Alias:
		return named(t.Obj(), t.TypeArgs())
	case *types.Named:
		return named(t.Obj(), t.TypeArgs())
	case *types.Map:
		return all(t.Key(), t.Elem())
	case interface{ Elem() types.Type }: // pointer, slice, array, channel
		return all(t.Elem())
	case *types.Signature:
		if s := tuple(t.Params()); s != "" {
			return s
		}
		return tuple(t.Results())
	case *types.Struct:
		for f := range t.Fields() {
			if !f.Exported() {
				return "a struct with the field " + f.Name()
			}
			if s := unspeakable(f.Type(), seen); s != "" {
				return s
			}
		}
	case *types.Interface:
		for m := range t.Methods() {
			if !m.Exported() {
				return "an interface with the method " + m.Name()
			}
			if s := unspeakable(m.Type(), seen); s != "" {
				return s
			}
		}
	}
	return ""
}

// file returns the source, not yet formatted.
func (g *generator) file(name string) []byte {
	paths := make([]string, 0, len(g.names))
	for p := range g.names {
		paths = append(paths, p)
	}
	sort.Strings(paths)
	var b bytes.Buffer
	fmt.Fprintf(&b, "// Code generated by symgen. DO NOT EDIT.\n\npackage %s\n\nimport (\n\"reflect\"\n\n\"github.com/cosmos72/gomacro/imports\"\n", name)
	for _, p := range paths {
		fmt.Fprintf(&b, "%s %q\n", g.names[p], p)
	}
	b.WriteString(")\n")
	b.Write(g.inits.Bytes())
	b.Write(g.proxies.Bytes())
	return b.Bytes()
}
