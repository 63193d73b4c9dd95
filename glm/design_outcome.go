package glm

import (
	"fmt"
	"math"
)

// outcome fills Y and, for a text response, the levels.
func (b *builder) outcome(d *Design) error {
	r := b.f.response
	var err error
	switch {
	case r.isCbind():
		d.Y, err = b.ev.eval(r.args[0])
		return err
	case r.kind != nodeCol:
		d.Y, err = b.ev.eval(r)
		return err
	}
	c, err := b.cols.col(r.name)
	if err != nil {
		return err
	}
	count := 0
	if c.isText {
		count, _, _ = c.numbers()
	}
	if !c.isText || count > 0 {
		if b.enc.OutcomeLevels != nil {
			return b.cols.err(c.name, -1, "it is numeric", fmt.Sprintf("the levels %s and %s as in the fit", b.enc.OutcomeLevels[0], b.enc.OutcomeLevels[1]))
		}
		d.Y, err = b.ev.numeric(c.name)
		return err
	}
	if b.learn {
		levels, err := b.levels(c)
		if err != nil {
			return err
		}
		if bad := b.disguised(c, levels); bad >= 0 {
			return b.cols.err(c.name, bad, quote(c.text[bad]), fmt.Sprintf("a number: the outcome is text with %d levels that look like numbers; clean it", len(levels)))
		}
		if len(levels) != 2 {
			return b.cols.err(c.name, -1, fmt.Sprintf("a text outcome with the levels %s", joinStrings(levels, 6, ", ")), "numbers, or text with two levels")
		}
		b.enc.OutcomeLevels = levels
	}
	if b.enc.OutcomeLevels == nil {
		return b.cols.err(c.name, b.ev.rows[0], quote(c.text[b.ev.rows[0]]), "a number as in the fit")
	}
	d.Y = make([]float64, len(b.ev.rows))
	for i, row := range b.ev.rows {
		switch c.text[row] {
		case b.enc.OutcomeLevels[0]:
		case b.enc.OutcomeLevels[1]:
			d.Y[i] = 1
		default:
			return b.cols.err(c.name, row, quote(c.text[row]), fmt.Sprintf("%s or %s", b.enc.OutcomeLevels[0], b.enc.OutcomeLevels[1]))
		}
	}
	return nil
}

// extras fills Trials, Offset and Weights.
func (b *builder) extras(d *Design) error {
	if err := b.trials(d); err != nil {
		return err
	}
	add := func(v []float64) {
		if d.Offset == nil {
			d.Offset = v
			return
		}
		for i := range v {
			d.Offset[i] += v[i]
		}
	}
	for _, n := range b.terms.offsets {
		v, err := b.ev.eval(n)
		if err != nil {
			return err
		}
		add(v)
	}
	if b.enc.Offset != "" {
		v, err := b.ev.numeric(b.enc.Offset)
		if err != nil {
			return err
		}
		add(v)
	}
	for i, v := range d.Offset {
		if math.IsInf(v, 0) {
			return b.cols.err("offset", b.ev.rows[i], fmt.Sprint(v), "a finite sum")
		}
	}
	if !b.response || b.enc.Weights == "" {
		return nil
	}
	w, err := b.ev.numeric(b.enc.Weights)
	if err != nil {
		return err
	}
	positive := false
	for i, v := range w {
		if v < 0 {
			return b.cols.err(b.enc.Weights, b.ev.rows[i], fmt.Sprint(v), "a weight that is not negative")
		}
		positive = positive || v > 0
	}
	if !positive {
		return b.cols.err(b.enc.Weights, -1, "all weights are 0", "at least one positive weight")
	}
	d.Weights = w
	return nil
}

// trials fills Trials with whole numbers from 1, if the model has them and
// the frame gives them.
func (b *builder) trials(d *Design) error {
	if !b.trialsAvailable() {
		return nil
	}
	var v []float64
	var err error
	name := b.trialsName()
	switch {
	case b.f.response.isCbind():
		args := b.f.response.args
		if v, err = b.count(args[0]); err != nil {
			return err
		}
		failures, err := b.count(args[1])
		if err != nil {
			return err
		}
		for i := range v {
			v[i] += failures[i]
		}
	case b.f.trials != nil:
		v, err = b.ev.eval(b.f.trials)
	case b.enc.Trials != "":
		v, err = b.ev.numeric(b.enc.Trials)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	for i, x := range v {
		if x < 1 || x != math.Floor(x) {
			return b.cols.err(name, b.ev.rows[i], fmt.Sprint(x), "a whole number of trials from 1")
		}
	}
	d.Trials = v
	return nil
}

// trialsName says where the trials come from.
func (b *builder) trialsName() string {
	switch {
	case b.f.response.isCbind():
		args := b.f.response.args
		return args[0].String() + " + " + args[1].String()
	case b.f.trials != nil:
		return b.f.trials.String()
	}
	return b.enc.Trials
}

// count evaluates n, which must give whole numbers from 0.
func (b *builder) count(n *node) ([]float64, error) {
	v, err := b.ev.eval(n)
	if err != nil {
		return nil, err
	}
	for i, x := range v {
		if x < 0 || x != math.Floor(x) {
			return nil, b.cols.err(n.String(), b.ev.rows[i], fmt.Sprint(x), "a whole number from 0")
		}
	}
	return v, nil
}
