//go:build !amd64 || !gc || purego || amd64.v3

package la

import "gonum.org/v1/gonum/blas/blas64"

func hasAVX2() bool { return false }

// expFours writes nothing.
func expFours(dst, x []float64, or uint64) int { return 0 }

// addRows adds nothing.
func addRows(dst []float64, x blas64.General, g []float64) int { return 0 }

// addFours is addFoursGo.
func (s *sigmoidStrands) addFours(sign, x []float64) bool { return s.addFoursGo(sign, x) }

// The rest writes nothing.

func expm1Fours(dst, x []float64) int                         { return 0 }
func tanhFours(dst, x []float64) int                          { return 0 }
func logFours(dst, x []float64) int                           { return 0 }
func log1pFours(dst, x []float64) int                         { return 0 }
func sigmoidOfFours(dst, x []float64, e *[chunk]float64) int  { return 0 }
func softplusOfFours(dst, x []float64, e *[chunk]float64) int { return 0 }
