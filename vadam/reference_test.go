package vadam

import "testing"

func checkOptimum(t *testing.T, data []byte) {
}
