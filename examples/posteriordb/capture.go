package main

import (
	"errors"

	ad "github.com/natgrad/natgrad/autodiff"
	"github.com/natgrad/natgrad/model"
	"gonum.org/v1/gonum/floats"
)

// capture is M candidate animals on T occasions, with capture probability p, of which a
// share ω is real:
//
//	Pr(y_i) = ω Π_t p^{y_it}(1−p)^{1−y_it} + (1−ω)[all y_it = 0],   ω, p uniform.
func capture(d *data) (*model.Model, error) {
	if d.Y.matrix == nil {
		return nil, errors.New("y: want a row an animal")
	}
	animals, occasions := d.Y.matrix.Dims()
	seen, caught := 0, 0.0 // animals caught at least once, captures
	for i := range animals {
		if n := floats.Sum(d.Y.matrix.RawRowView(i)); n > 0 {
			seen, caught = seen+1, caught+n
		}
	}
	free := float64(seen*occasions) - caught
	return model.New([]model.Param{
		model.Probability("omega"),
		model.Probability("p"),
	}, func(s *model.Scope) {
		omega, p := s.Get("omega"), s.Get("p")
		hit, miss := p.Log(), ad.Sub(1, p).Log()
		s.Add("seen", omega.Log().Mul(seen).Add(hit.Mul(caught)).Add(miss.Mul(free)))
		never := ad.LogAddExp(omega.Log().Add(miss.Mul(occasions)), ad.Sub(1, omega).Log())
		s.Add("never seen", never.Mul(animals-seen))
	})
}
