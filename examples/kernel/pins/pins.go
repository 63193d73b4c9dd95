// Package pins names the packages that notebooks may import. They are linked into
// the kernel; one line here is all that a new package needs.
package pins

import (
	// Of the standard library those that have symbols newer than the kernel's
	// own tables, which end at Go 1.16. The others are there anyway.
	_ "bytes"
	_ "context"
	_ "errors"
	_ "fmt"
	_ "io"
	_ "math"
	_ "math/bits"
	_ "math/rand/v2"
	_ "os"
	_ "sort"
	_ "strconv"
	_ "strings"
	_ "time"

	_ "github.com/natgrad/natgrad/autodiff"
	_ "github.com/natgrad/natgrad/constraint"
	_ "github.com/natgrad/natgrad/expfam"
	_ "github.com/natgrad/natgrad/glm"
	_ "github.com/natgrad/natgrad/kernels"
	_ "github.com/natgrad/natgrad/ladder"
	_ "github.com/natgrad/natgrad/metrics"
	_ "github.com/natgrad/natgrad/mixture"
	_ "github.com/natgrad/natgrad/model"
	_ "github.com/natgrad/natgrad/report"
	_ "github.com/natgrad/natgrad/structured"
	_ "github.com/natgrad/natgrad/vadam"
	_ "github.com/natgrad/natgrad/vi"
	_ "github.com/natgrad/natgrad/vi/targets"

	_ "github.com/go-gota/gota/dataframe"
	_ "github.com/go-gota/gota/series"

	_ "gonum.org/v1/gonum/blas"
	_ "gonum.org/v1/gonum/diff/fd"
	_ "gonum.org/v1/gonum/floats"
	_ "gonum.org/v1/gonum/integrate"
	_ "gonum.org/v1/gonum/integrate/quad"
	_ "gonum.org/v1/gonum/mat"
	_ "gonum.org/v1/gonum/mathext"
	_ "gonum.org/v1/gonum/optimize"
	_ "gonum.org/v1/gonum/stat"
	_ "gonum.org/v1/gonum/stat/combin"
	_ "gonum.org/v1/gonum/stat/distmv"
	_ "gonum.org/v1/gonum/stat/distuv"

	_ "gonum.org/v1/plot"
	_ "gonum.org/v1/plot/font"
	_ "gonum.org/v1/plot/palette"
	_ "gonum.org/v1/plot/palette/moreland"
	_ "gonum.org/v1/plot/plotter"
	_ "gonum.org/v1/plot/plotutil"
	_ "gonum.org/v1/plot/text"
	_ "gonum.org/v1/plot/vg"
	_ "gonum.org/v1/plot/vg/draw"
	_ "gonum.org/v1/plot/vg/vgimg"
	_ "gonum.org/v1/plot/vg/vgsvg"
)
