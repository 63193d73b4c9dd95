package vadam

import "math"

// mix is the output function of SplitMix64.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// normals fills dst with standard normals, a pure function of seed and stream
// (Box and Muller 1958).
func normals[T float](dst []T, seed, stream uint64) {
	const golden = 0x9e3779b97f4a7c15
	z := mix(mix(seed+golden) + stream*golden)
	next := func() float64 {
		z += golden
		return (float64(mix(z)>>11) + 0.5) / (1 << 53)
	}
	for i := 0; i < len(dst); i += 2 {
		r := math.Sqrt(-2 * math.Log(next()))
		s, c := math.Sincos(2 * math.Pi * next())
		dst[i] = T(r * c)
		if i+1 < len(dst) {
			dst[i+1] = T(r * s)
		}
	}
}
