//go:build !unix

package main

import "time"

// cpu returns the time since the program began.
func cpu() time.Duration { return time.Since(begun) }

var begun = time.Now()
