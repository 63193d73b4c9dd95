package structured

import (
	"sync"

	"github.com/natgrad/natgrad/expfam"
)

// halvings bounds the halvings of a step whose result is not representable.
const halvings = 60

// shorten takes a step by try, halved until try accepts it, and says what it
// had to do.
func shorten(family string, try func(scale float64) bool) (expfam.Condition, error) {
	var cond expfam.Condition
	scale := 1.0
	for range halvings {
		if try(scale) {
			return cond, nil
		}
		scale /= 2
		cond |= expfam.Shortened
	}
	return cond | expfam.NonFinite, domainError(family, "Retract", "step", -1, scale, "a fraction whose result is representable (tried down to this one)")
}

// checkMomentum errs unless alpha is in [0, 1).
func checkMomentum(family string, alpha float64) error {
	if !(alpha >= 0 && alpha < 1) {
		return domainError(family, "SetMomentum", "alpha", -1, alpha, "in [0, 1)")
	}
	return nil
}

// vectors lends scratch vectors of one length to methods that may run at the
// same time.
type vectors struct {
	mu   sync.Mutex
	free [][]float64
}

func (s *vectors) get(n int) []float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := len(s.free)
	if k == 0 {
		return make([]float64, n)
	}
	v := s.free[k-1]
	s.free = s.free[:k-1]
	return v
}

func (s *vectors) put(v []float64) {
	s.mu.Lock()
	s.free = append(s.free, v)
	s.mu.Unlock()
}
