//go:build !amd64 || !gc || purego

package la

func machine() Level { return Portable }
