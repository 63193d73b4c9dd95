package vi

import (
	"fmt"
	"math"
)

// checkSettings errs on settings that do not go together with posterior and target.
func (e *Engine) checkSettings() error {
	s := &e.s
	switch {
	case e.t.Dim <= 0:
		return &SettingError{"Target.Dim", e.t.Dim, "> 0"}
	case e.q.Dim() != e.t.Dim:
		return &SettingError{"the posterior's dimension", e.q.Dim(), fmt.Sprintf("Target.Dim = %d", e.t.Dim)}
	case e.t.Names != nil && len(e.t.Names) != e.t.Dim:
		return &SettingError{"the length of Target.Names", len(e.t.Names), fmt.Sprintf("Target.Dim = %d", e.t.Dim)}
	case s.Iterations < 0:
		return &SettingError{"Settings.Iterations", s.Iterations, ">= 0"}
	case s.Plain && s.Rate == nil:
		return &SettingError{"Settings.Rate", "nil", "a rate with Settings.Plain"}
	case math.IsNaN(s.EntropyWeight) || math.IsInf(s.EntropyWeight, 0):
		return &SettingError{"Settings.EntropyWeight", s.EntropyWeight, "a finite number"}
	case s.Draws < 0 || s.Draws > maxPoints:
		return &SettingError{"Settings.Draws", s.Draws, fmt.Sprintf("between 0 and %d", maxPoints)}
	case s.Diagnostics == 1:
		return &SettingError{"Settings.Diagnostics", 1, "0, negative or at least 2: one draw has no variance"}
	case s.Workers < 0:
		return &SettingError{"Settings.Workers", s.Workers, ">= 0"}
	case s.Tol < 0 || math.IsNaN(s.Tol):
		return &SettingError{"Settings.Tol", s.Tol, ">= 0"}
	case s.Batch < 0 || s.Batch > 0 && s.Batch > e.t.N:
		return &SettingError{"Settings.Batch", s.Batch, fmt.Sprintf("between 0 and Target.N = %d", e.t.N)}
	}
	if s.Batch == e.t.N {
		s.Batch = 0
	}
	if s.Rate != nil {
		if _, err := e.rate(0); err != nil {
			return err
		}
	}
	return nil
}

// rate returns what Settings.Rate says for step t.
func (e *Engine) rate(t int) (float64, error) {
	r, err := protect("Settings.Rate", func() float64 { return e.s.Rate(t) })
	if err != nil {
		return r, err
	}
	if !(r > 0 && r <= 1) {
		return r, &SettingError{fmt.Sprintf("Settings.Rate(%d)", t), r, "in (0, 1]"}
	}
	return r, nil
}
