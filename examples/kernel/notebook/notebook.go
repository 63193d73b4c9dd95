// Package notebook reads, runs, checks and writes Jupyter notebooks (nbformat 4) whose
// cells an interpreter in the same process evaluates.
package notebook

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sort"
	"strings"
)

// Book is a notebook. What this package does not know of it stays as it is.
type Book struct {
	raw map[string]any
}

// Read reads a notebook file. It errs unless the file is JSON with a list of cells in
// format 4.
func Read(path string) (*Book, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	b := &Book{}
	if err := b.parse(data); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

func (b *Book) parse(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&b.raw); err != nil {
		return err
	}
	if v, ok := b.raw["nbformat"].(json.Number); !ok || v != "4" {
		return fmt.Errorf("nbformat is %v, want 4", b.raw["nbformat"])
	}
	cells, ok := b.raw["cells"].([]any)
	if !ok {
		return errors.New("no list of cells")
	}
	for i, c := range cells {
		if _, ok := c.(map[string]any); !ok {
			return fmt.Errorf("cell %d is not an object", i+1)
		}
	}
	return nil
}

// Clone returns a copy.
func (b *Book) Clone() *Book {
	c := &Book{}
	if err := c.parse(b.bytes()); err != nil {
		panic("notebook: " + err.Error()) // bytes gives what parse takes
	}
	return c
}

// bytes is the notebook in the layout of Jupyter's own writer: keys in order, indent 1.
func (b *Book) bytes() []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(b.raw); err != nil {
		panic("notebook: " + err.Error()) // raw holds nothing but decoded JSON and outputs made here
	}
	return buf.Bytes()
}

// Write writes the notebook to a file.
func (b *Book) Write(path string) error { return os.WriteFile(path, b.bytes(), 0o644) }

// cell is a cell that holds code.
type cell struct {
	number int // in the book, from 1
	raw    map[string]any
}

func (b *Book) code() []cell {
	var list []cell
	for i, c := range b.raw["cells"].([]any) {
		if c := c.(map[string]any); c["cell_type"] == "code" {
			list = append(list, cell{i + 1, c})
		}
	}
	return list
}

func (c cell) source() string { return text(c.raw["source"]) }

func (c cell) outputs() []map[string]any {
	list, _ := c.raw["outputs"].([]any)
	var outs []map[string]any
	for _, o := range list {
		if o, ok := o.(map[string]any); ok {
			outs = append(outs, o)
		}
	}
	return outs
}

// text joins a string of the format, which may be split into lines.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var b strings.Builder
		for _, s := range v {
			s, _ := s.(string)
			b.WriteString(s)
		}
		return b.String()
	}
	return ""
}

func lines(s string) []any {
	list := []any{}
	for l := range strings.Lines(s) {
		list = append(list, l)
	}
	return list
}

// Outputs collects what a cell shows, in order. The zero value is empty.
type Outputs struct{ list []any }

// Stream adds text written to a standard stream, if there is any.
func (o *Outputs) Stream(name, s string) {
	if s != "" {
		o.list = append(o.list, map[string]any{"output_type": "stream", "name": name, "text": lines(s)})
	}
}

// Display adds a picture or text that the cell shows before its end; data and metadata
// are keyed by MIME type.
func (o *Outputs) Display(data, metadata map[string]any) {
	o.list = append(o.list, bundle("display_data", data, metadata))
}

// Result adds the value of the cell.
func (o *Outputs) Result(data, metadata map[string]any) {
	o.list = append(o.list, bundle("execute_result", data, metadata))
}

// bundle writes a MIME bundle as the format has it. A figure that offers both a vector
// image and pixels is stored as the former only: it is smaller and what a page shows.
func bundle(kind string, data, metadata map[string]any) map[string]any {
	d, m := make(map[string]any), maps.Clone(metadata)
	if m == nil {
		m = make(map[string]any)
	}
	svg := text(data["image/svg+xml"]) != ""
	for mime, v := range data {
		if svg && mime == "image/png" {
			delete(m, mime)
			continue
		}
		switch v := v.(type) {
		case string:
			d[mime] = lines(v)
		case []byte:
			d[mime] = base64.StdEncoding.EncodeToString(v)
		default:
			d[mime] = v
		}
	}
	return map[string]any{"output_type": kind, "data": d, "metadata": m}
}

// Run evaluates the code cells in order and puts what they show in the place of what
// they showed. It stops at the first error, which names the cell.
func (b *Book) Run(eval func(source string) (Outputs, error)) error {
	for n, c := range b.code() {
		out, err := eval(c.source())
		if err != nil {
			return fmt.Errorf("cell %d: %w\n%s", c.number, err, c.source())
		}
		count := json.Number(fmt.Sprint(n + 1))
		for _, o := range out.list {
			if o := o.(map[string]any); o["output_type"] == "execute_result" {
				o["execution_count"] = count
			}
		}
		c.raw["execution_count"] = count
		c.raw["outputs"] = append([]any{}, out.list...)
		if m, ok := c.raw["metadata"].(map[string]any); ok {
			delete(m, "execution") // times of an earlier run
		}
	}
	return nil
}

// drawing are the packages that nothing but a picture is imported for.
var drawing = []string{`"gonum.org/v1/plot`}

// Check returns an error unless the notebook has been run to its end without
// complaint: every code cell has a count, none shows an error or writes to standard
// error, it asserts something (a panic in a cell), and there is a picture if it
// imports a package that draws or makes a figure.
func (b *Book) Check() error {
	var errs []error
	asserts, draws, pictures := false, false, 0
	for _, c := range b.code() {
		src := c.source()
		if strings.TrimSpace(src) == "" {
			continue
		}
		asserts = asserts || strings.Contains(src, "panic(")
		for _, p := range drawing {
			draws = draws || strings.Contains(src, p)
		}
		draws = draws || strings.Contains(src, ".Figure") || strings.Contains(src, "Plot(")
		if _, ok := c.raw["execution_count"].(json.Number); !ok {
			errs = append(errs, fmt.Errorf("cell %d was not run", c.number))
		}
		for _, o := range c.outputs() {
			switch {
			case o["output_type"] == "error":
				errs = append(errs, fmt.Errorf("cell %d: %v", c.number, o["evalue"]))
			case o["output_type"] == "stream" && o["name"] == "stderr":
				errs = append(errs, fmt.Errorf("cell %d wrote to standard error: %s", c.number, text(o["text"])))
			}
			data, _ := o["data"].(map[string]any)
			if strings.Contains(text(data["image/svg+xml"]), "</svg>") || text(data["image/png"]) != "" {
				pictures++
			}
		}
	}
	if !asserts {
		errs = append(errs, errors.New("no cell asserts anything: there is no panic"))
	}
	if draws && pictures == 0 {
		errs = append(errs, errors.New("cells draw, but no output is a picture"))
	}
	return errors.Join(errs...)
}

// SameKinds returns an error unless the cells of both notebooks have the same sources
// and their outputs are of the same kinds and MIME types. Contents may differ.
func (b *Book) SameKinds(stored *Book) error {
	got, want := b.code(), stored.code()
	if len(got) != len(want) {
		return fmt.Errorf("%d code cells, the stored notebook has %d", len(got), len(want))
	}
	for i, c := range got {
		if c.source() != want[i].source() {
			return fmt.Errorf("cell %d is not the one stored", c.number)
		}
		if g, w := kinds(c), kinds(want[i]); !slices.Equal(g, w) {
			return fmt.Errorf("cell %d shows %q, the stored notebook %q: store its outputs again", c.number, g, w)
		}
	}
	return nil
}

// kinds names the outputs of a cell. Streams of one name count once: Jupyter cuts them
// where it likes. Pixels beside a vector image are not stored, see bundle.
func kinds(c cell) []string {
	var list []string
	for _, o := range c.outputs() {
		kind := fmt.Sprint(o["output_type"])
		if kind == "stream" {
			kind += " " + fmt.Sprint(o["name"])
			if slices.Contains(list, kind) {
				continue
			}
		}
		data, _ := o["data"].(map[string]any)
		var mimes []string
		for m := range data {
			if _, svg := data["image/svg+xml"]; !svg || m != "image/png" {
				mimes = append(mimes, m)
			}
		}
		sort.Strings(mimes)
		list = append(list, strings.Join(append([]string{kind}, mimes...), " "))
	}
	return list
}
