package vadam

import (
	"fmt"
	"math"

	"github.com/natgrad/natgrad/internal/wire"
)

const (
	fitMagic   = "ngvafit"
	fitVersion = 1
)

// state returns what restore needs: where the fit is, its history, and the optimiser.
func (f *fit[T]) state() []byte {
	w := wire.NewWriter(fitMagic, fitVersion)
	for _, v := range f.identity() {
		w.Uint(v.value)
	}
	w.Int(f.at.Epoch)
	w.Int(f.at.Batch)
	w.Int(f.rows)
	w.Int(f.clipped)
	w.Float(f.loss)
	w.Int(len(f.records))
	for _, r := range f.records {
		w.Int(r.Epoch)
		w.Int(r.Steps)
		w.Float(r.Loss)
		w.Float(r.Clipped)
		w.Float(r.MedianSD)
	}
	b, err := f.opt.MarshalBinary()
	if err != nil {
		panic(err) // the optimisers of this package do not fail here
	}
	w.Bytes(b)
	return w.Finish()
}

type identity struct {
	name  string
	value uint64
}

// identity tells fits apart that cannot continue each other, beyond what the optimiser checks.
func (f *fit[T]) identity() []identity {
	return []identity{
		{"Epochs", uint64(f.set.Epochs)}, {"Batch", uint64(f.set.Batch)}, {"Seed", f.set.Seed},
		{"data checksum", f.checksum()},
	}
}

// checksum is a hash of the data as the net sees them (FNV-1a, a word at a time).
func (f *fit[T]) checksum() uint64 {
	h := uint64(14695981039346656037)
	for _, s := range [][]T{f.x, f.y} {
		for _, v := range s {
			h = (h ^ math.Float64bits(float64(v))) * 1099511628211
		}
	}
	return h
}

// restore is the inverse of state. The receiver is unchanged on an error.
func (f *fit[T]) restore(b []byte) error {
	fail := func(err error) error { return fmt.Errorf("vadam: Fit: Resume: %w", err) }
	r, err := wire.NewReader(b, fitMagic, fitVersion)
	if err != nil {
		return fail(err)
	}
	for _, v := range f.identity() {
		if got := r.Uint(); got != v.value {
			return fail(fmt.Errorf("the state was saved with %s %d, the fit has %d", v.name, got, v.value))
		}
	}
	at := f.at
	at.Epoch, at.Batch = r.Int(), r.Int()
	t := trace{rows: r.Int(), clipped: r.Int(), loss: r.Float()}
	for range r.Len(40) {
		t.records = append(t.records, EpochRecord{r.Int(), f.set.Epochs, r.Int(), r.Float(), r.Float(), r.Float()})
	}
	opt := r.Bytes()
	if err := r.Done(); err != nil {
		return fail(err)
	}
	batches := f.steps / f.set.Epochs
	if at.Epoch < 0 || at.Epoch > f.set.Epochs || at.Batch < 0 || at.Batch >= batches || len(t.records) != at.Epoch {
		return fail(fmt.Errorf("position %d, %d with %d epochs of history is outside the fit", at.Epoch, at.Batch, len(t.records)))
	}
	if err := f.opt.UnmarshalBinary(opt); err != nil {
		return fail(err)
	}
	f.at, f.trace = at, t
	return nil
}
