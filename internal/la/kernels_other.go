//go:build !amd64 || !gc || purego || amd64.v3

package la

import "gonum.org/v1/gonum/blas/blas64"

const hasAVX2 = false

// expFours writes nothing.
func expFours(dst, x []float64, or uint64) int { return 0 }

// addRows adds nothing.
func addRows(dst []float64, x blas64.General, g []float64) int { return 0 }

// addFours is addFoursGo.
func (s *sigmoidStrands) addFours(sign, x []float64) bool { return s.addFoursGo(sign, x) }
