package model

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/natgrad/natgrad/autodiff"
	"github.com/natgrad/natgrad/constraint"
	"github.com/natgrad/natgrad/vi"
)

// Model is a log density of named, constrained parameters. Its methods may be
// called from several goroutines at once.
type Model struct {
	slots   []slot
	byName  map[string]int
	dim     int
	params  int      // number of values of parameters
	names   []string // of the values: parameters, then derived quantities
	free    []string
	f       *autodiff.Function
	derived []derived
}

type derived struct {
	name string
	dims []int
}

func (d derived) equal(e derived) bool { return d.name == e.name && slices.Equal(d.dims, e.dims) }

func (d derived) String() string {
	if len(d.dims) == 0 {
		return d.name
	}
	return d.name + fmt.Sprint(d.dims)
}

// New makes a model of its parameters and of the function that adds up
//
//	log p(D, θ)
//
// in terms of the parameters' own (constrained) values; the log-Jacobians of the
// transforms are added by the model. The function is recorded as package
// autodiff says, so that it must be the same at every call. It is called here once,
// at the start: wrong shapes, names and operands, a parameter on which no term
// depends, and a panic, are an error.
func New(params []Param, logProb func(s *Scope)) (m *Model, err error) {
	slots, byName, err := layout(params)
	if err != nil {
		return nil, err
	}
	if logProb == nil {
		return nil, &ParamError{Func: "New", Name: "logProb", Value: "is nil", Want: "a function"}
	}
	m = &Model{slots: slots, byName: byName}
	for i := range slots {
		s := &slots[i]
		m.names = elements(m.names, s.Name, s.dims())
		labels := elements(nil, s.Name, s.dims()[:len(s.dims())-len(s.Constraint.Dims())])
		for _, l := range labels {
			for k := range s.Constraint.FreeSize() {
				m.free = append(m.free, s.Constraint.FreeName(l, k))
			}
		}
	}
	m.dim, m.params = len(m.free), len(m.names)
	if _, err := m.Start(); err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			switch r := r.(type) {
			case *ParamError:
				err = r
			case *autodiff.Error:
				err = r
			default:
				err = &vi.PanicError{Value: r, Stack: debug.Stack()}
			}
			m = nil
		}
	}()
	m.f, err = autodiff.New(m.dim, func(x autodiff.Node) autodiff.Node {
		s := &Scope{m: m, x: x, first: m.f == nil}
		return s.run(logProb)
	})
	if err != nil {
		return nil, err
	}
	for _, d := range m.derived {
		m.names = elements(m.names, d.name, d.dims)
	}
	return m, nil
}

// Scope is what the log density sees of the model.
type Scope struct {
	m     *Model
	x     autodiff.Node
	first bool
	vals  []autodiff.Node
	terms []autodiff.Node
	// derived holds what this call has named, which every call must name.
	derived []derived
}

func (s *Scope) run(logProb func(s *Scope)) autodiff.Node {
	for i := range s.m.slots {
		p := &s.m.slots[i]
		v, jac, has := p.node(s.x)
		s.vals = append(s.vals, v.Label(p.Name))
		if has {
			s.terms = append(s.terms, jac.Label("log-Jacobian of "+p.Name))
		}
	}
	own := len(s.terms)
	logProb(s)
	if len(s.terms) == own {
		panic(&ParamError{Func: "New", Name: "logProb", Value: "it added no term", Want: "one call of Scope.Add or more"})
	}
	if s.first {
		s.m.derived = s.derived
		s.checkUsed(s.terms[own:])
	} else if !slices.EqualFunc(s.derived, s.m.derived, derived.equal) {
		// Outputs come in the order in which they were named.
		panic(&ParamError{Func: "Scope.Derive", Name: "logProb", Value: fmt.Sprintf("it derives %v, first it was %v", s.derived, s.m.derived),
			Want: "the same quantities in the same order at every call"})
	}
	return autodiff.AddAll(s.terms...)
}

// checkUsed panics if no one of the user's terms depends on a parameter. It records
// nothing, as later calls do not come here.
func (s *Scope) checkUsed(terms []autodiff.Node) {
	for i, v := range s.vals {
		if !slices.ContainsFunc(terms, func(t autodiff.Node) bool { return t.DependsOn(v) }) {
			panic(&ParamError{Func: "New", Name: s.m.slots[i].Name, Value: "no term of the log density depends on it", Want: "one that does, such as its prior"})
		}
	}
}

// node maps the parameter's coordinates to its value.
func (p *slot) node(x autodiff.Node) (v, jac autodiff.Node, has bool) {
	c := p.Constraint
	if p.elementwise() && p.Size == 0 {
		return c.Node(x.At(p.free))
	}
	if p.elementwise() || p.Size == 0 {
		return c.Node(x.Slice(p.free, p.free+p.frees()))
	}
	rows, jacs := make([]any, p.copies), make([]autodiff.Node, 0, p.copies)
	k := c.FreeSize()
	for i := range rows {
		row, jac, ok := c.Node(x.Slice(p.free+i*k, p.free+(i+1)*k))
		rows[i] = row
		if ok {
			jacs = append(jacs, jac)
		}
	}
	v = autodiff.Concat(rows...).Matrix(p.copies, c.Size())
	if len(jacs) == 0 {
		return v, jac, false
	}
	return v, autodiff.AddAll(jacs...), true
}

// Get returns a parameter's value: a scalar, a vector or a matrix as declared.
func (s *Scope) Get(name string) autodiff.Node {
	i, ok := s.m.byName[name]
	if !ok {
		panic(&ParamError{Func: "Scope.Get", Name: name, Value: "there is none of this name", Want: "one of " + s.m.list()})
	}
	return s.vals[i]
}

// Add adds a term to the log density: a scalar. The name is for messages, such
// as which term is not finite.
func (s *Scope) Add(name string, term autodiff.Node) {
	if term.Len() != 1 {
		panic(&ParamError{Func: "Scope.Add", Name: name, Value: fmt.Sprintf("a term of %d numbers", term.Len()), Want: "a scalar: see Sum"})
	}
	s.terms = append(s.terms, term.Label(name))
}

// Derive names a quantity that follows from the parameters, to be reported with
// them, and returns it. It enters the log density only where it is used. Every call
// of the log density has to derive the same quantities in the same order.
func (s *Scope) Derive(name string, v autodiff.Node) autodiff.Node {
	if _, ok := s.m.byName[name]; ok || slices.ContainsFunc(s.derived, func(d derived) bool { return d.name == name }) {
		panic(&ParamError{Func: "Scope.Derive", Name: name, Want: "a name that no parameter and no other derived quantity has"})
	}
	if !validName(name) {
		panic(&ParamError{Func: "Scope.Derive", Name: name, Want: goodName})
	}
	s.derived = append(s.derived, derived{name, v.Shape()})
	return v.Output().Label(name)
}

func (m *Model) list() string {
	out := ""
	for i := range m.slots {
		if i > 0 {
			out += ", "
		}
		out += m.slots[i].Name
	}
	return out
}

// Dim returns the number of unconstrained coordinates.
func (m *Model) Dim() int { return m.dim }

// Names returns the names of all values that a posterior has: the elements of the
// parameters, then those of the derived quantities. Elements are counted from 1
// as in Stan's files: theta[1], Sigma[1,2].
func (m *Model) Names() []string { return slices.Clone(m.names) }

// FreeNames returns the names of the unconstrained coordinates, such as log(tau).
func (m *Model) FreeNames() []string { return slices.Clone(m.free) }

// Start returns the unconstrained coordinates of the declared start values, 0
// where none were declared. A value that violates its constraint is an error.
func (m *Model) Start() ([]float64, error) {
	x := make([]float64, m.dim)
	for i := range m.slots {
		s := &m.slots[i]
		if s.Start == nil {
			continue
		}
		if err := s.unconstrain(x, s.Start); err != nil {
			return nil, &ParamError{Func: "New", Name: s.Name, Value: "its start", Err: err}
		}
	}
	return x, nil
}

func (s *slot) unconstrain(x, vals []float64) error {
	n, k := s.Constraint.Size(), s.Constraint.FreeSize()
	for c := range s.copies {
		lo := s.free + c*k
		if err := s.Constraint.Unconstrain(x[lo:lo+k], vals[c*n:(c+1)*n]); err != nil {
			var v *constraint.ViolationError
			if errors.As(err, &v) {
				name := s.Name
				if s.Size > 0 {
					name = fmt.Sprintf("%s[%d]", s.Name, c+1)
				}
				return v.Named(s.Constraint, name)
			}
			return err
		}
	}
	return nil
}

// Constrain returns the values at unconstrained coordinates x in the order of
// Names: parameters and derived quantities.
func (m *Model) Constrain(x []float64) []float64 {
	if len(x) != m.dim {
		panic(fmt.Sprintf("model: Constrain: x has length %d, the model %d coordinates", len(x), m.dim))
	}
	vals := make([]float64, m.params, len(m.names))
	for i := range m.slots {
		s := &m.slots[i]
		n, k := s.Constraint.Size(), s.Constraint.FreeSize()
		for c := range s.copies {
			s.Constraint.Constrain(vals[s.val+c*n:s.val+(c+1)*n], x[s.free+c*k:s.free+(c+1)*k])
		}
	}
	if len(m.derived) == 0 {
		return vals
	}
	return m.f.Outputs(vals, x)
}

// Unconstrain returns the coordinates of values, given for every parameter by name
// in the order of its elements.
func (m *Model) Unconstrain(values map[string][]float64) ([]float64, error) {
	x := make([]float64, m.dim)
	for name := range values {
		if _, ok := m.byName[name]; !ok {
			return nil, &ParamError{Func: "Unconstrain", Name: name, Value: "there is none of this name", Want: "one of " + m.list()}
		}
	}
	for i := range m.slots {
		s := &m.slots[i]
		v, ok := values[s.Name]
		if !ok || len(v) != s.vals() {
			return nil, &ParamError{Func: "Unconstrain", Name: s.Name, Value: fmt.Sprintf("%d values", len(v)), Want: fmt.Sprint(s.vals())}
		}
		if err := s.unconstrain(x, v); err != nil {
			return nil, &ParamError{Func: "Unconstrain", Name: s.Name, Err: err}
		}
	}
	return x, nil
}

// Target returns the log density of the unconstrained coordinates, log-Jacobians
// included, with its derivatives, for the fits of packages vi and ladder.
func (m *Model) Target() *vi.Target {
	return &vi.Target{
		Dim:     m.dim,
		Names:   m.FreeNames(),
		LogProb: m.f.Value,
		Grad:    m.f.Grad,
		HessVec: m.f.HessVec,
		Explain: m.f.Explain,
	}
}

// Explain returns an error that names the term, the operation and the parameters
// if the log density or its gradient is not finite at coordinates x, and nil if both are.
func (m *Model) Explain(x []float64) error { return m.f.Explain(x) }
