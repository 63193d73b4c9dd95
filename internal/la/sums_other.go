//go:build !amd64

package la

// addFours is addFoursGo.
func (s *sigmoidStrands) addFours(sign, x []float64) bool { return s.addFoursGo(sign, x) }
