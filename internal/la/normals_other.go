//go:build !amd64 || !gc || purego

package la

func normalsFast64([]float64, int, *normalState) int { return 0 }
func normalsFast32([]float32, int, *normalState) int { return 0 }
