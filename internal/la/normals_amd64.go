//go:build gc && !purego

package la

// normalsFast64 writes blocks of numbers and returns how many.
func normalsFast64(dst []float64, blocks int, s *normalState) int {
	if blocks == 0 {
		return 0
	}
	_ = dst[blocks*normalBlock-1]
	switch level {
	case AVX512:
		normals64AVX512(&dst[0], blocks, &s[0][0])
	case AVX2:
		normals64AVX2(&dst[0], blocks, &s[0][0])
	default:
		return 0
	}
	return blocks
}

func normalsFast32(dst []float32, blocks int, s *normalState) int {
	if blocks == 0 {
		return 0
	}
	_ = dst[blocks*normalBlock-1]
	switch level {
	case AVX512:
		normals32AVX512(&dst[0], blocks, &s[0][0])
	case AVX2:
		normals32AVX2(&dst[0], blocks, &s[0][0])
	default:
		return 0
	}
	return blocks
}
