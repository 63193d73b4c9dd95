//go:build !unix

package glm

import "time"

// cpuTime is not known here; benchmarks report 0 for it.
func cpuTime() time.Duration { return 0 }
