package report

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"io"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	plotfont "gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Figure is a plot with a title above it, a legend, and a note below it. Plot is a
// plain gonum plot and may be changed before rendering. The zero value and nil
// render as an empty figure.
type Figure struct {
	Title  string
	Note   string      // small print under the plot: what was left out, and why
	Width  vg.Length   // default 480 points, 640 CSS pixels
	Height vg.Length   // default 300 points, 400 CSS pixels
	Plot   *plot.Plot  // axes and data
	keys   []legendKey // drawn as one line under the title
	right  vg.Length   // room kept free to the right of the data area
	beside []*Figure   // in the place of Plot, see SideBySide
}

type keyKind int

const (
	keyLine keyKind = iota
	keyDash
	keyDot
	keyBand
	keyBar
)

type legendKey struct {
	kind  keyKind
	color color.Color
	label string
}

// The colours are those of Okabe and Ito's palette, told apart under the common
// forms of colour blindness, with tints of the blue for bands.
var (
	ink        = color.NRGBA{R: 0x1f, G: 0x29, B: 0x37, A: 0xff}
	muted      = color.NRGBA{R: 0x6b, G: 0x72, B: 0x80, A: 0xff}
	gridColor  = color.NRGBA{R: 0xe5, G: 0xe7, B: 0xeb, A: 0xff}
	blue       = color.NRGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0xff}
	blueMid    = color.NRGBA{R: 0x8c, G: 0xbf, B: 0xdc, A: 0xff}
	blueLight  = color.NRGBA{R: 0xcc, G: 0xe3, B: 0xf0, A: 0xff}
	vermillion = color.NRGBA{R: 0xd5, G: 0x5e, B: 0x00, A: 0xff}
	greyBar    = color.NRGBA{R: 0xd1, G: 0xd5, B: 0xdb, A: 0xff}
)

const (
	defaultWidth  = 480
	defaultHeight = 300
	margin        = 8
	boldWeight    = 3 // WeightBold of golang.org/x/image/font
)

func textStyle(size vg.Length, bold bool, c color.Color) text.Style {
	f := plotfont.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
	if bold {
		f.Weight = boldWeight
	}
	return text.Style{Color: c, Font: f, Handler: plot.DefaultTextHandler}
}

// newPlot returns an empty gonum plot in the style of this package.
func newPlot(xlabel, ylabel string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.LineStyle.Color = greyBar
		a.LineStyle.Width = 0.75
		a.Padding = 4
		a.Tick.LineStyle.Color = greyBar
		a.Tick.LineStyle.Width = 0.75
		a.Tick.Length = 3
		x, y := a.Tick.Label.XAlign, a.Tick.Label.YAlign
		a.Tick.Label = textStyle(8.5, false, ink)
		a.Tick.Label.XAlign, a.Tick.Label.YAlign = x, y
		a.Tick.Marker = niceTicks{}
		rot := a.Label.TextStyle.Rotation
		a.Label.TextStyle = textStyle(9, false, muted)
		a.Label.TextStyle.Rotation = rot
		a.Label.TextStyle.XAlign = draw.XCenter
		a.Label.TextStyle.YAlign = draw.YBottom
		a.Label.Padding = 4
	}
	p.X.Label.Text, p.Y.Label.Text = clean(xlabel), clean(ylabel)
	return p
}

// plotFunc draws on the data area of a plot.
type plotFunc func(c draw.Canvas, p *plot.Plot)

func (f plotFunc) Plot(c draw.Canvas, p *plot.Plot) { f(c, p) }

// grid draws light lines at the labelled ticks; gonum's own grid cannot leave out
// one direction's lines at the frame.
func grid(vertical, horizontal bool) plotFunc {
	return func(c draw.Canvas, p *plot.Plot) {
		tx, ty := p.Transforms(&c)
		sty := draw.LineStyle{Color: gridColor, Width: 0.75}
		if vertical {
			for _, t := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
				if x := tx(t.Value); !t.IsMinor() && c.ContainsX(x) {
					c.StrokeLine2(sty, x, c.Min.Y, x, c.Max.Y)
				}
			}
		}
		if horizontal {
			for _, t := range p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max) {
				if y := ty(t.Value); !t.IsMinor() && c.ContainsY(y) {
					c.StrokeLine2(sty, c.Min.X, y, c.Max.X, y)
				}
			}
		}
	}
}

// emptyFigure says in words why there is nothing to see.
func emptyFigure(title, why string) *Figure {
	p := newPlot("", "")
	p.HideAxes()
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1, 0, 1
	p.Add(plotFunc(func(c draw.Canvas, _ *plot.Plot) {
		s := textStyle(10, false, muted)
		s.XAlign, s.YAlign = draw.XCenter, draw.YCenter
		c.FillText(s, c.Center(), why)
	}))
	return &Figure{Title: title, Plot: p, Height: 120}
}

func (f *Figure) size() (w, h vg.Length) {
	w, h = defaultWidth, defaultHeight
	if f != nil && f.Width > 0 {
		w = f.Width
	}
	if f != nil && f.Height > 0 {
		h = f.Height
	}
	return w, h
}

// Draw draws the figure on a canvas: background, title, legend, plot and note.
func (f *Figure) Draw(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	if f == nil {
		return
	}
	f.drawOn(c)
}

// drawOn draws the figure on a canvas that has its background.
func (f *Figure) drawOn(c draw.Canvas) {
	c = draw.Crop(c, margin, -margin, margin, -margin)
	if f.Title != "" {
		sty := textStyle(11, true, ink)
		sty.YAlign = draw.YTop
		c.FillText(sty, vg.Point{X: c.Min.X, Y: c.Max.Y}, clean(f.Title))
		c.Max.Y -= 19
	}
	if len(f.keys) > 0 {
		f.drawKeys(&c)
	}
	if f.Note != "" {
		sty := textStyle(8, false, muted)
		sty.YAlign = draw.YBottom
		lines := wrap(sty, clean(f.Note), c.Max.X-c.Min.X)
		for i := len(lines) - 1; i >= 0; i-- {
			c.FillText(sty, vg.Point{X: c.Min.X, Y: c.Min.Y}, lines[i])
			c.Min.Y += 11
		}
		c.Min.Y += 5
	}
	if c.Max.Y-c.Min.Y <= 20 {
		return
	}
	if len(f.beside) > 0 {
		f.drawBeside(c)
	} else if f.Plot != nil {
		f.Plot.Draw(draw.Crop(c, 0, -f.right, 0, 0))
	}
}

func (f *Figure) drawKeys(c *draw.Canvas) {
	const rowHeight = 14
	sty := textStyle(8.5, false, muted)
	sty.YAlign = draw.YCenter
	x, y := c.Min.X, c.Max.Y-5
	for _, k := range f.keys {
		thumb := vg.Length(16)
		if k.kind == keyDot {
			thumb = 7
		}
		w := thumb + 4 + sty.Width(k.label)
		if x > c.Min.X && x+w > c.Max.X {
			x, y = c.Min.X, y-rowHeight
		}
		switch k.kind {
		case keyLine:
			c.StrokeLine2(draw.LineStyle{Color: k.color, Width: 1.75}, x, y, x+thumb, y)
		case keyDash:
			c.StrokeLine2(draw.LineStyle{Color: k.color, Width: 1, Dashes: []vg.Length{3, 2}}, x, y, x+thumb, y)
		case keyDot:
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: k.color, Radius: 3, Shape: draw.CircleGlyph{}}, vg.Point{X: x + thumb/2, Y: y})
		case keyBand:
			c.FillPolygon(k.color, rect(x, y-4, x+thumb, y+4))
		case keyBar:
			c.StrokeLine2(draw.LineStyle{Color: k.color, Width: 3}, x, y, x+thumb, y)
		}
		c.FillText(sty, vg.Point{X: x + thumb + 4, Y: y}, k.label)
		x += w + 14
	}
	c.Max.Y = y - 12
}

func rect(x0, y0, x1, y1 vg.Length) []vg.Point {
	return []vg.Point{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}}
}

// wrap breaks s at spaces into lines no wider than w.
func wrap(sty text.Style, s string, w vg.Length) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		next := word
		if line != "" {
			next = line + " " + word
		}
		if line != "" && sty.Width(next) > w {
			lines = append(lines, line)
			next = word
		}
		line = next
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// fontFamilies names fonts of the same metrics for viewers without the Liberation
// fonts: glyph positions were computed with Liberation Sans.
var fontFamilies = strings.NewReplacer(
	"font-family:Liberation Sans", "font-family:'Liberation Sans',Arimo,Arial,Helvetica,sans-serif")

// SVG returns the figure as an SVG element that can stand in an HTML document or in
// a file of its own. It has no XML prologue, no scripts and no references to other
// files, and its title is set for screen readers. Nil gives an empty string.
func (f *Figure) SVG() string {
	if f == nil {
		return ""
	}
	w, h := f.size()
	c := vgsvg.New(w, h)
	f.Draw(draw.New(c))
	var buf bytes.Buffer
	if _, err := c.WriteTo(&buf); err != nil {
		return ""
	}
	s := buf.String()
	if i := strings.Index(s, "<svg"); i >= 0 {
		s = s[i:]
	}
	open := strings.IndexByte(s, '>')
	if open < 0 {
		return ""
	}
	head := fmt.Sprintf(`<svg role="img" width="%.0f" height="%.0f" viewBox="0 0 %g %g" xmlns="http://www.w3.org/2000/svg">`,
		w.Points()*4/3, h.Points()*4/3, w.Points(), h.Points())
	title := "\n<title>" + html.EscapeString(clean(f.Title)) + "</title>"
	return head + title + fontFamilies.Replace(s[open+1:])
}

// PNG returns the figure as a PNG image at twice the resolution of the screen
// (1280 by 800 pixels at the default size). Nil gives nil.
func (f *Figure) PNG() []byte {
	if f == nil {
		return nil
	}
	w, h := f.size()
	c := vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(w, h), vgimg.UseDPI(192))}
	f.Draw(draw.New(c))
	var buf bytes.Buffer
	if _, err := c.WriteTo(&buf); err != nil {
		return nil
	}
	return buf.Bytes()
}

// WriteSVG writes the figure as an SVG file.
func (f *Figure) WriteSVG(w io.Writer) error {
	_, err := io.WriteString(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"+f.SVG())
	return err
}

// Save writes the figure to a file, as SVG or PNG by the extension of path (.svg or
// .png). It errs on another extension, on a nil figure, and when the file cannot be
// written.
func (f *Figure) Save(path string) error {
	if f == nil {
		return fmt.Errorf("report: Figure.Save: %s: the figure is nil", path)
	}
	var data []byte
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".svg":
		var buf bytes.Buffer
		if err := f.WriteSVG(&buf); err != nil {
			return fmt.Errorf("report: Figure.Save: %w", err)
		}
		data = buf.Bytes()
	case ".png":
		data = f.PNG()
	default:
		return fmt.Errorf("report: Figure.Save: %s: extension is %q, want .svg or .png", path, ext)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return fmt.Errorf("report: Figure.Save: %w", err)
	}
	return nil
}

// SimpleRender returns the figure as image/svg+xml and, for plain consoles, its title
// and note as text/plain, keyed by MIME type.
func (f *Figure) SimpleRender() map[string]interface{} {
	plain := ""
	if f != nil {
		plain = strings.TrimSpace(f.titles() + "\n" + clean(f.Note))
	}
	return map[string]interface{}{"image/svg+xml": f.SVG(), "text/plain": plain}
}
