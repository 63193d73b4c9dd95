// Package overlay holds the files that the build puts over those of gophernotes, whose
// program is package main and cannot be imported. They compile only beside its
// sources, hence their build tag.
package overlay
