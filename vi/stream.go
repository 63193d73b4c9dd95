package vi

import "math/rand/v2"

// Purposes of random streams: every use of random numbers has its own, so that
// adding one does not change another.
const (
	streamDraws = iota + 1
	streamBatch
	streamGap
	streamDiagnostics
	streamResample
	streamFixed
	streamScout
	streamTails
)

// stream is a generator that is put to the stream of (seed, purpose, index)
// without allocating. A run needs no generator state in its checkpoints, and
// draw k of step t is the same whichever worker makes it.
type stream struct {
	pcg *rand.PCG
	rng *rand.Rand
}

func (s *stream) at(seed, purpose, index uint64) *rand.Rand {
	if s.pcg == nil {
		s.pcg = rand.NewPCG(0, 0)
		s.rng = rand.New(s.pcg)
	}
	s.pcg.Seed(mix(seed+purpose*0x9e3779b97f4a7c15), mix(index^0xd1b54a32d192ed03))
	return s.rng
}

// mix is the finaliser of SplitMix64 (Steele, Lea and Flood 2014).
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// strata fills idx with one index from each of len(idx) equal parts of 0 … n−1.
func strata(idx []int, n int, rng *rand.Rand) {
	width := float64(n) / float64(len(idx))
	for i := range idx {
		idx[i] = min(int((float64(i)+rng.Float64())*width), n-1)
	}
}
