package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/natgrad/natgrad/model"
)

// loaded is a problem with its data, its model and its reference.
type loaded struct {
	problem
	model *model.Model
	ref   *reference
	free  []int // the model's coordinate for each of the reference's
	named []int // the model's value for each of the reference's natural scale
}

// load reads the problems of a folder, all or the named one, and returns those
// folders too for which there is no model.
func load(root, only string) (cases []*loaded, unknown []string, err error) {
	dirs, err := os.ReadDir(root)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range problems {
		if only != "" && only != p.name {
			continue
		}
		if !slices.ContainsFunc(dirs, func(d os.DirEntry) bool { return d.Name() == p.name }) {
			continue
		}
		c, err := p.load(filepath.Join(root, p.name))
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", p.name, err)
		}
		cases = append(cases, c)
	}
	for _, d := range dirs {
		if d.IsDir() && !slices.ContainsFunc(problems, func(p problem) bool { return p.name == d.Name() }) {
			unknown = append(unknown, d.Name())
		}
	}
	if len(cases) == 0 {
		return nil, unknown, fmt.Errorf("%s: no folder of a posterior that has a model here", root)
	}
	return cases, unknown, nil
}

func (p problem) load(dir string) (*loaded, error) {
	d, ref, err := read(dir)
	if err != nil {
		return nil, err
	}
	m, err := p.model(d)
	if err != nil {
		return nil, err
	}
	return p.with(m, ref)
}

// with finds the reference's coordinates and values among those of the model.
func (p problem) with(m *model.Model, ref *reference) (*loaded, error) {
	c := &loaded{problem: p, model: m, ref: ref}
	if m.Dim() != len(ref.Unconstrained.Names) {
		return nil, fmt.Errorf("the model has %d coordinates, the reference %d", m.Dim(), len(ref.Unconstrained.Names))
	}
	c.free = match(ref.Unconstrained.Names, m.FreeNames())
	names := m.Names()
	for _, n := range ref.Constrained.Names {
		i := slices.Index(names, n)
		if i < 0 {
			return nil, fmt.Errorf("the model has no %q", n)
		}
		c.named = append(c.named, i)
	}
	return c, nil
}

// match returns the index in ours of every name of theirs. Names that are only
// theirs take the coordinates that are only ours, in order.
func match(theirs, ours []string) []int {
	index := make([]int, len(theirs))
	var rest []int
	for i, n := range ours {
		if !slices.Contains(theirs, n) {
			rest = append(rest, i)
		}
	}
	for i, n := range theirs {
		if index[i] = slices.Index(ours, n); index[i] < 0 {
			index[i], rest = rest[0], rest[1:]
		}
	}
	return index
}

// schoolsName is the posterior that is fitted in its centred form too.
const schoolsName = "eight_schools-eight_schools_noncentered"

// loadCentred returns the centred form of eight schools, whose coordinates on the
// unconstrained scale are those on the natural one but for log τ.
func loadCentred(root string) (*loaded, error) {
	dir := filepath.Join(root, schoolsName)
	d, ref, err := read(dir)
	if err != nil {
		return nil, err
	}
	free := &ref.Unconstrained
	k := len(d.Y.list)
	copy(free.Names, ref.Constrained.Names[:k])
	copy(free.Mean, ref.Constrained.Mean[:k])
	copy(free.SD, ref.Constrained.SD[:k])
	m, err := eightSchoolsCentred(d)
	if err != nil {
		return nil, err
	}
	return problem{name: "eight schools, centred"}.with(m, ref)
}
