package report

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Layout is the kind of CmdStan file that [WriteDraws] imitates.
type Layout int

const (
	// Pathfinder is the layout of CmdStan's pathfinder method: the columns
	// lp_approx__ and lp__, then the parameters, one row a draw. Every reader takes
	// every row as a draw, so this is the default.
	Pathfinder Layout = iota
	// Variational is the layout of CmdStan's variational method: the columns lp__
	// (always 0), log_p__ and log_g__, then the parameters. Its first row is not a
	// draw but the mean of the approximation, DrawsMeta.Mean. cmdstanr knows that and
	// takes it off; ArviZ and plain CSV readers count it as a draw.
	Variational
)

// DrawsMeta says where draws come from. It is written as comment lines in the head of
// the file. The zero value is valid.
type DrawsMeta struct {
	Model  string // name of the model, reduced to letters, digits and underscores; default "natgrad"
	Seed   uint64 // seed of the draws
	Chain  int    // number of the set of draws; default 1
	Layout Layout
	Mean   []float64 // mean of the approximation; required by the Variational layout
}

// Draws is what [ReadDraws] finds in a file.
type Draws struct {
	Meta  DrawsMeta
	Names []string    // parameters, as they were given to WriteDraws
	Draws [][]float64 // one row a draw, one element a parameter
	LogP  []float64   // log density of the target at each draw, up to a constant; nil if the file has none
	LogQ  []float64   // log density of the approximation at each draw; nil if the file has none
}

// A DrawsError says what is wrong with draws, or with the file that holds them.
type DrawsError struct {
	Func string // "WriteDraws" or "ReadDraws"
	Line int    // line in the file from 1; 0 when writing
	Msg  string
}

// Error implements error.
func (e *DrawsError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("report: %s: line %d: %s", e.Func, e.Line, e.Msg)
	}
	return fmt.Sprintf("report: %s: %s", e.Func, e.Msg)
}

// WriteDraws writes draws of a posterior approximation as a CSV file in the form of
// CmdStan's output. ArviZ (from_cmdstan), cmdstanr (read_cmdstan_csv, as_cmdstan_fit)
// and anything that reads a CSV file with # comments can load it, for example in R
//
//	posterior::as_draws_df(read.csv("draws.csv", comment.char = "#"))
//
// draws has one row a draw and one element a name; logp holds the log density of the
// target at each draw, up to a constant, and logq that of the approximation. Either
// may be nil and is then written as zeros, with a comment that says so. Numbers are
// written with as many digits as it takes to read the same float64 back. See
// [ColumnNames] for how names are written; the exact names are kept in comment lines
//
//	# natgrad column 1 is %28Intercept%29
//
// with bytes other than letters, digits and _.:-[]*^,/ percent-encoded.
//
// A draw that is not finite, a length that does not fit and a name that is given
// twice are a *DrawsError, found before anything is written. Other errors are those
// of w, wrapped.
func WriteDraws(w io.Writer, meta DrawsMeta, names []string, draws [][]float64, logp, logq []float64) error {
	if err := checkDraws(meta, names, draws, logp, logq); err != nil {
		return err
	}
	if meta.Chain <= 0 {
		meta.Chain = 1
	}
	if meta.Model == "" {
		meta.Model = "natgrad"
	}
	bw := bufio.NewWriterSize(w, 1<<16)
	writeHead(bw, meta, names, len(draws), logp != nil, logq != nil)
	buf := make([]byte, 0, 32*(len(names)+3))
	for i, d := range draws {
		p, q := 0.0, 0.0
		if logp != nil {
			p = logp[i]
		}
		if logq != nil {
			q = logq[i]
		}
		if i == 0 && meta.Layout == Variational {
			buf = appendRow(append(buf[:0], "0,0,0"...), meta.Mean)
			bw.Write(buf)
		}
		buf = buf[:0]
		if meta.Layout == Variational {
			buf = appendFloat(append(buf, "0,"...), p)
			buf = appendFloat(append(buf, ','), q)
		} else {
			buf = appendFloat(buf, q)
			buf = appendFloat(append(buf, ','), p)
		}
		bw.Write(appendRow(buf, d))
	}
	// bufio.Writer keeps the first error of all writes.
	if err := bw.Flush(); err != nil {
		return fmt.Errorf("report: WriteDraws: %w", err)
	}
	return nil
}

func writeHead(w *bufio.Writer, meta DrawsMeta, names []string, n int, hasP, hasQ bool) {
	method, sizeKey, head := "pathfinder", "num_draws", "lp_approx__,lp__"
	if meta.Layout == Variational {
		method, sizeKey, head = "variational", "output_samples", "lp__,log_p__,log_g__"
	}
	fmt.Fprintf(w, "# model = %s_model\n# method = %s\n#   %s\n#     %s = %d\n# id = %d\n# random\n#   seed = %d\n",
		identifier(meta.Model), method, method, sizeKey, n, meta.Chain, meta.Seed)
	fmt.Fprintf(w, "# natgrad draws of a variational posterior in the layout of the method above\n")
	if !hasP {
		fmt.Fprintf(w, "# natgrad without log_p\n")
	}
	if !hasQ {
		fmt.Fprintf(w, "# natgrad without log_q\n")
	}
	for j, name := range names {
		fmt.Fprintf(w, "# natgrad column %d is %s\n", j+1, encodeName(name))
	}
	w.WriteString(head)
	for _, c := range ColumnNames(names) {
		w.WriteByte(',')
		w.WriteString(c)
	}
	w.WriteByte('\n')
}

func appendRow(buf []byte, x []float64) []byte {
	for _, v := range x {
		buf = appendFloat(append(buf, ','), v)
	}
	return append(buf, '\n')
}

func appendFloat(buf []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(buf, "nan"...)
	case math.IsInf(v, 1):
		return append(buf, "inf"...)
	case math.IsInf(v, -1):
		return append(buf, "-inf"...)
	}
	return strconv.AppendFloat(buf, v, 'g', -1, 64)
}

func checkDraws(meta DrawsMeta, names []string, draws [][]float64, logp, logq []float64) error {
	fail := func(format string, args ...any) error {
		return &DrawsError{Func: "WriteDraws", Msg: fmt.Sprintf(format, args...)}
	}
	first := make(map[string]int, len(names))
	for j, n := range names {
		if k, ok := first[n]; ok {
			return fail("names[%d] and names[%d] are both %q", k, j, n)
		}
		first[n] = j
	}
	if logp != nil && len(logp) != len(draws) {
		return fail("logp has %d elements, want %d, one a draw", len(logp), len(draws))
	}
	if logq != nil && len(logq) != len(draws) {
		return fail("logq has %d elements, want %d, one a draw", len(logq), len(draws))
	}
	switch meta.Layout {
	case Pathfinder:
	case Variational:
		if len(meta.Mean) != len(names) {
			return fail("meta.Mean has %d elements, want %d: the Variational layout writes it as its first row", len(meta.Mean), len(names))
		}
		for j, v := range meta.Mean {
			if !finite(v) {
				return fail("meta.Mean[%d] (%s) is %v, want a finite number", j, names[j], v)
			}
		}
	default:
		return fail("meta.Layout is %d, want Pathfinder or Variational", meta.Layout)
	}
	for i, d := range draws {
		if len(d) != len(names) {
			return fail("draws[%d] has %d elements, want %d, one a name", i, len(d), len(names))
		}
		for j, v := range d {
			if !finite(v) {
				return fail("draws[%d][%d] (%s) is %v, want a finite number", i, j, names[j], v)
			}
		}
	}
	return nil
}

// maxLine bounds the memory that one line of a file can claim: 64 MiB is more than two
// million parameters.
const maxLine = 64 << 20

// ReadDraws reads a file written by [WriteDraws], and other CmdStan files with one row a
// draw: columns whose names end in two underscores are not parameters, and without the
// comment lines of WriteDraws the column beta.1.2 is called beta[1,2]. In the
// Variational layout the first row goes to Meta.Mean. What is not of this form is a
// *DrawsError with the line; errors of r are wrapped.
func ReadDraws(r io.Reader) (*Draws, error) {
	rd := &drawsReader{exact: make(map[int]string), logP: -1, logQ: -1}
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 0, 1<<16), maxLine)
	for sc.Scan() {
		rd.line++
		line := strings.TrimSuffix(sc.Text(), "\r")
		var err error
		switch {
		case strings.TrimSpace(line) == "":
		case line[0] == '#':
			err = rd.comment(strings.TrimSpace(line[1:]))
		case rd.columns == nil:
			err = rd.head(line)
		default:
			err = rd.row(line)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := sc.Err(); err == bufio.ErrTooLong {
		rd.line++
		return nil, rd.fail("longer than %d bytes", maxLine)
	} else if err != nil {
		return nil, fmt.Errorf("report: ReadDraws: %w", err)
	}
	if rd.columns == nil {
		return nil, rd.fail("no line with column names before the end of the file")
	}
	if rd.d.Meta.Layout == Variational && rd.d.Meta.Mean == nil && len(rd.params) > 0 {
		return nil, rd.fail("no first row with the mean before the end of the file")
	}
	return &rd.d, nil
}

type drawsReader struct {
	d          Draws
	line       int
	columns    []string
	params     []int // columns that are parameters
	logP, logQ int   // columns, -1 if absent
	noP, noQ   bool  // written as zeros for want of values
	exact      map[int]string
}

func (rd *drawsReader) fail(format string, args ...any) error {
	return &DrawsError{Func: "ReadDraws", Line: rd.line, Msg: fmt.Sprintf(format, args...)}
}

func (rd *drawsReader) comment(s string) error {
	if key, val, ok := strings.Cut(s, "="); ok {
		key, val = strings.TrimSpace(key), strings.TrimSpace(val)
		switch key {
		case "method":
			rd.d.Meta.Layout = Pathfinder
			if strings.HasPrefix(val, "variational") {
				rd.d.Meta.Layout = Variational
			}
		case "model":
			rd.d.Meta.Model = strings.TrimSuffix(val, "_model")
		case "id":
			if n, err := strconv.Atoi(val); err == nil {
				rd.d.Meta.Chain = n
			}
		case "seed":
			if n, err := strconv.ParseUint(val, 10, 64); err == nil {
				rd.d.Meta.Seed = n
			}
		}
		return nil
	}
	s, ok := strings.CutPrefix(s, "natgrad ")
	if !ok {
		return nil
	}
	rd.noP = rd.noP || s == "without log_p"
	rd.noQ = rd.noQ || s == "without log_q"
	if s, ok = strings.CutPrefix(s, "column "); !ok {
		return nil
	}
	num, enc, _ := strings.Cut(s, " is ")
	if enc == "" {
		num = strings.TrimSuffix(num, " is")
	}
	j, err := strconv.Atoi(num)
	name, ok := decodeName(enc)
	if err != nil || !ok || j < 1 {
		return rd.fail("%q is not a column number and a percent-encoded name", shorten(s, 60))
	}
	rd.exact[j] = name
	return nil
}

func (rd *drawsReader) head(line string) error {
	rd.columns = strings.Split(line, ",")
	for j, c := range rd.columns {
		c = strings.Trim(strings.TrimSpace(c), `"`)
		switch {
		case c == "log_p__", c == "lp__" && rd.logP < 0:
			// In the variational layout lp__ is a placeholder that log_p__ follows.
			rd.logP = j
		case c == "log_g__" || c == "log_q__" || c == "lp_approx__":
			rd.logQ = j
		case strings.HasSuffix(c, "__"):
		case c == "":
			return rd.fail("column %d has no name", j+1)
		default:
			rd.params = append(rd.params, j)
			if root, idx, ok := strings.Cut(c, "."); ok {
				c = root + "[" + strings.ReplaceAll(idx, ".", ",") + "]"
			}
			rd.d.Names = append(rd.d.Names, c)
		}
	}
	if len(rd.exact) > 0 {
		if len(rd.exact) != len(rd.params) {
			return rd.fail("%d columns are parameters, but the comments name %d", len(rd.params), len(rd.exact))
		}
		for j := range rd.params {
			name, ok := rd.exact[j+1]
			if !ok {
				return rd.fail("the comments do not name parameter %d", j+1)
			}
			rd.d.Names[j] = name
		}
	}
	if rd.noP {
		rd.logP = -1
	}
	if rd.noQ {
		rd.logQ = -1
	}
	return nil
}

func (rd *drawsReader) row(line string) error {
	fields := strings.Split(line, ",")
	if len(fields) != len(rd.columns) {
		return rd.fail("%d fields, want %d as in the line of column names", len(fields), len(rd.columns))
	}
	value := func(j int) (float64, error) {
		v, err := strconv.ParseFloat(strings.TrimSpace(fields[j]), 64)
		if err != nil {
			return 0, rd.fail("column %s is %q, want a number", rd.columns[j], shorten(fields[j], 40))
		}
		return v, nil
	}
	x := make([]float64, len(rd.params))
	for k, j := range rd.params {
		v, err := value(j)
		if err != nil {
			return err
		}
		x[k] = v
	}
	if rd.d.Meta.Layout == Variational && rd.d.Meta.Mean == nil {
		rd.d.Meta.Mean = x
		return nil
	}
	rd.d.Draws = append(rd.d.Draws, x)
	for _, c := range []struct {
		col int
		dst *[]float64
	}{{rd.logP, &rd.d.LogP}, {rd.logQ, &rd.d.LogQ}} {
		if c.col >= 0 {
			v, err := value(c.col)
			if err != nil {
				return err
			}
			*c.dst = append(*c.dst, v)
		}
	}
	return nil
}
