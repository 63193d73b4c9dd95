package expfam

import (
	"fmt"
	"strings"
)

// textCoords is how many coordinates a text shows: more do not fit on a line.
const textCoords = 8

// String names the family and shows mean and standard deviation of the first 8
// coordinates, for logs and notebooks; the state in full is what MarshalBinary writes.
func (n *Normal) String() string {
	if n == nil || n.cur == nil {
		return "normal(no dimensions)"
	}
	return "normal(" + momentsText(n.Mean(nil), n.Sd(nil)) + ")"
}

func momentsText(mean, sd []float64) string {
	var b strings.Builder
	for i := range mean[:min(len(mean), textCoords)] {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%.4g ± %.2g", mean[i], sd[i])
	}
	if len(mean) > textCoords {
		fmt.Fprintf(&b, ", … %d coordinates", len(mean))
	}
	return b.String()
}
