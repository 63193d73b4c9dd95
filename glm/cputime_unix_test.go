//go:build unix

package glm

import (
	"syscall"
	"time"
)

// cpuTime is the processor time that the process has used, in user and system
// mode, as R's proc.time counts it.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
