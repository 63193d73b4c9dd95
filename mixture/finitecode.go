package mixture

import (
	"errors"
	"fmt"

	"github.com/natgrad/natgrad/internal/wire"
)

const (
	mixtureMagic   = "ngmix"
	mixtureVersion = 1
)

// MarshalBinary returns the bytes of weights, components, options and of what the
// steps remember: their number, the baseline, the counts of dying components, Adam's
// averages, the last move if there is momentum.
func (m *Mixture) MarshalBinary() ([]byte, error) {
	w := wire.NewWriter(mixtureMagic, mixtureVersion)
	w.Int(len(m.comps))
	w.Int(m.dim)
	w.Int(m.NumParams())
	w.Floats(m.logOdds)
	for c, q := range m.comps {
		b, err := q.MarshalBinary()
		if err != nil {
			return nil, fmt.Errorf("mixture: MarshalBinary: component %d: %w", c, err)
		}
		w.Bytes(b)
	}
	w.Int(m.steps)
	w.Float(m.baseline)
	for _, n := range m.low {
		w.Int(n)
	}
	w.Int(m.adam.count)
	w.Floats(m.adam.mean)
	w.Floats(m.adam.sq)
	o := m.opts
	w.Int(int(o.Rule))
	w.Floats([]float64{o.WeightRate, o.EntropyPull, o.Backtrack, o.Momentum})
	for _, set := range m.opts.switches() {
		bit := 0
		if *set {
			bit = 1
		}
		w.Int(bit)
	}
	w.Int(m.moves)
	if m.moves > 0 {
		w.Floats(m.move)
	} else {
		w.Floats(nil)
	}
	return w.Finish(), nil
}

// switches returns the options that are on or off, in the order of their bytes.
func (o *Options) switches() [4]*bool {
	return [...]*bool{&o.NoBaseline, &o.HessEntropy, &o.ExactEntropy, &o.Reseed}
}

// UnmarshalBinary restores what MarshalBinary returned, bit for bit, options included,
// into a mixture of as many components of the same families and sizes; a mixture does
// not know its components from bytes. On error it is unchanged.
func (m *Mixture) UnmarshalBinary(b []byte) error {
	fail := func(err error) error { return fmt.Errorf("mixture: Mixture.UnmarshalBinary: %w", err) }
	if len(m.comps) == 0 {
		return fail(errors.New("the receiver has no components, want a mixture of the saved families"))
	}
	r, err := wire.NewReader(b, mixtureMagic, mixtureVersion)
	if err != nil {
		return fail(err)
	}
	k, d, n := r.Int(), r.Int(), r.Int()
	if k != len(m.comps) || d != m.dim || n != m.NumParams() {
		return fail(fmt.Errorf("the bytes hold %d components of dimension %d with %d parameters in all, the receiver has %d of dimension %d with %d",
			k, d, n, len(m.comps), m.dim, m.NumParams()))
	}
	odds := r.Floats()
	parts := make([][]byte, k)
	for c := range parts {
		parts[c] = r.Bytes()
	}
	steps, baseline := r.Int(), r.Float()
	low := make([]int, k)
	for c := range low {
		low[c] = r.Int()
	}
	count, mean, sq := r.Int(), r.Floats(), r.Floats()
	o := Options{Rule: Rule(r.Int())}
	numbers := r.Floats()
	for _, set := range o.switches() {
		*set = r.Int() != 0
	}
	moves, move := r.Int(), r.Floats()
	if err := r.Done(); err != nil {
		return fail(err)
	}
	if len(odds) != k || odds[k-1] != 0 || steps < 0 || count < 0 || len(mean) != len(sq) || len(mean) != 0 && len(mean) != n ||
		len(numbers) != 4 || moves < 0 || (moves > 0) != (len(move) == n) || firstBad(move) >= 0 {
		return fail(errors.New("the bytes are inconsistent"))
	}
	o.WeightRate, o.EntropyPull, o.Backtrack, o.Momentum = numbers[0], numbers[1], numbers[2], numbers[3]
	if err := m.checkOptions(o); err != nil {
		return fail(err)
	}
	if err := m.checkOdds("UnmarshalBinary", "log-odds", odds); err != nil {
		return err
	}
	if o.Rule == Adam && mean == nil {
		mean, sq = make([]float64, n), make([]float64, n)
	}
	backup := make([][]byte, k)
	for c, q := range m.comps {
		if backup[c], err = q.MarshalBinary(); err != nil {
			return fail(err)
		}
	}
	for c, q := range m.comps {
		if err := q.UnmarshalBinary(parts[c]); err != nil {
			for i, o := range m.comps[:c] {
				if err := o.UnmarshalBinary(backup[i]); err != nil {
					panic("mixture: a component refuses its own bytes: " + err.Error())
				}
			}
			return fail(fmt.Errorf("component %d: %w", c, err))
		}
	}
	copy(m.logOdds, odds)
	m.setWeights()
	m.steps, m.baseline, m.low = steps, baseline, low
	m.tally.sum, m.tally.weight = 0, 0
	m.adam.count, m.adam.mean, m.adam.sq = count, mean, sq
	if move == nil {
		move = make([]float64, n)
	}
	m.opts, m.moves, m.move = o, moves, move
	if mean != nil {
		m.adam.scratch(n, d)
	}
	return nil
}
