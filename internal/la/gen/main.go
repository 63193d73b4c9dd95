// Command gen writes the assembly of internal/la: one file of kernels a call,
//
//	go run . -kernels NAME -out FILE.s -stubs FILE.go
//
// It is a module of its own, so that the generator's dependencies stay out of
// natgrad's.
package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/mmcloughlin/avo/build"
)

// kernels maps a name to the function that builds the file's functions.
var kernels = map[string]func(){}

func main() {
	name := ""
	// avo's own flags are parsed by build.Generate: ours is taken out first.
	for i, a := range os.Args {
		if a == "-kernels" && i+1 < len(os.Args) {
			name = os.Args[i+1]
			os.Args = slices.Delete(os.Args, i, i+2)
			break
		}
	}
	construct, ok := kernels[name]
	if !ok {
		names := sortedNames()
		fmt.Fprintf(os.Stderr, "gen: -kernels is %q, want one of %s\n", name, strings.Join(names, ", "))
		os.Exit(2)
	}
	build.ConstraintExpr("gc,!purego")
	construct()
	build.Generate()
}

func sortedNames() []string {
	var names []string
	for n := range kernels {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
