// Package ladder fits ever richer shapes of posterior until one is good enough.
package ladder
