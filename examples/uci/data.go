package main

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/natgrad/natgrad/nn"
)

// dataset is one set with its splits.
type dataset struct {
	name  string
	data  *nn.Data
	tests [][]int // rows of test split k
}

// names are the sets in the order of the papers' tables.
var names = []string{"boston", "concrete", "energy", "kin8nm", "naval", "powerplant", "wine", "yacht"}

func load(root, name string) (*dataset, error) {
	rows, err := read(filepath.Join(root, name, "data.csv"))
	if err != nil {
		return nil, err
	}
	d := &dataset{name: name}
	var x, y []float64
	for i, rec := range rows[1:] {
		for j, field := range rec {
			v, err := strconv.ParseFloat(field, 64)
			if err != nil {
				return nil, fmt.Errorf("uci: %s: row %d, column %s: %w", name, i, rows[0][j], err)
			}
			if j < len(rec)-1 {
				x = append(x, v)
			} else {
				y = append(y, v)
			}
		}
	}
	if d.data, err = nn.NewData(x, y, len(y)); err != nil {
		return nil, fmt.Errorf("uci: %s: %w", name, err)
	}
	last := len(rows[0]) - 1
	d.data.Inputs, d.data.Targets = rows[0][:last], rows[0][last:]
	splits, err := read(filepath.Join(root, name, "test_rows.csv"))
	if err != nil {
		return nil, err
	}
	for k, rec := range splits {
		var test []int
		for _, field := range rec {
			r, err := strconv.Atoi(field)
			if err != nil || r < 0 || r >= d.data.Rows {
				return nil, fmt.Errorf("uci: %s: split %d: %q is not a row of the data", name, k, field)
			}
			test = append(test, r)
		}
		d.tests = append(d.tests, test)
	}
	return d, nil
}

// read reads a CSV file, or the file with .gz at its end.
func read(path string) ([][]string, error) {
	f, err := os.Open(path)
	if err == nil {
		defer f.Close()
		return records(path, f)
	}
	z, errGz := os.Open(path + ".gz")
	if errGz != nil {
		return nil, fmt.Errorf("uci: %w", err)
	}
	defer z.Close()
	r, err := gzip.NewReader(z)
	if err != nil {
		return nil, fmt.Errorf("uci: %s.gz: %w", path, err)
	}
	return records(path, r)
}

func records(path string, r io.Reader) ([][]string, error) {
	c := csv.NewReader(r)
	c.FieldsPerRecord = -1
	c.ReuseRecord = false
	all, err := c.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("uci: %s: %w", path, err)
	}
	if len(all) < 2 {
		return nil, fmt.Errorf("uci: %s has %d lines, want a header and data", path, len(all))
	}
	return all, nil
}

// part is a training part in standard units, with what brings it back.
type part struct {
	x, y   []float64
	rows   int
	inputs int
	sx, sy *nn.Scaler
}

// split returns the training rows of split k in standard units, and the test
// rows, inputs in the same units and targets in their own.
func (d *dataset) split(k int) (train *part, test *nn.Data) {
	in := make(map[int]bool, len(d.tests[k]))
	for _, r := range d.tests[k] {
		in[r] = true
	}
	var rows []int
	for r := range d.data.Rows {
		if !in[r] {
			rows = append(rows, r)
		}
	}
	return standardise(d.data.Subset(rows), d.data.Subset(d.tests[k]))
}

// standardise takes units from the training rows alone.
func standardise(train, test *nn.Data) (*part, *nn.Data) {
	p := &part{rows: train.Rows, inputs: train.In(), sx: nn.NewScaler(train.X, train.In()), sy: nn.NewScaler(train.Y, 1)}
	p.x, p.y = p.sx.Apply(nil, train.X), p.sy.Apply(nil, train.Y)
	return p, &nn.Data{X: p.sx.Apply(nil, test.X), Y: test.Y, Rows: test.Rows}
}

// raw is the training part in its own units, for inner splits.
func (p *part) raw() *nn.Data {
	return &nn.Data{X: p.sx.Invert(nil, p.x), Y: p.sy.Invert(nil, p.y), Rows: p.rows}
}
