package report

import (
	"bytes"
	"fmt"
	"html/template"
	"io"
	"os"
)

// Level grades a verdict.
type Level int

const (
	Good    Level = iota // use it
	Caution              // read the text first
	Bad                  // do not use it
)

// String returns "good", "caution" or "bad"; levels outside that range are "bad", so
// that a mistake does not look like success.
func (l Level) String() string {
	switch l {
	case Good:
		return "good"
	case Caution:
		return "caution"
	}
	return "bad"
}

// Verdict is the one-line judgement of a fit. An empty text shows no verdict.
type Verdict struct {
	Level Level
	Text  string
}

// KV is a labelled fact.
type KV struct{ Key, Value string }

// PageFigure is a figure on a page and what it shows, in words.
type PageFigure struct {
	Figure  *Figure
	Caption string
}

// Page is a report of a fit: a title, the verdict, a list of facts, tables, figures
// and notes, in this order. Parts that are empty are left out.
type Page struct {
	Title    string // default "Fit"
	Subtitle string
	Verdict  Verdict
	Facts    []KV
	Tables   []*Table
	Figures  []PageFigure
	Notes    []string
}

const pageHTML = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>{{.Title}}</title>
<style>
:root { --ink: #1f2937; --muted: #5b6472; --page: #ffffff; --line: #e5e7eb; --tint: #f7f8fa;
  --good: #0a7a55; --good-tint: #e8f6f0; --caution: #8a5a00; --caution-tint: #fdf4dd; --bad: #b3261e; --bad-tint: #fdecea; }
@media (prefers-color-scheme: dark) { :root { --ink: #e5e7eb; --muted: #a3acb9; --page: #14181f; --line: #2f3744; --tint: #1b212b;
  --good: #5fd0a5; --good-tint: #12302a; --caution: #f0c368; --caution-tint: #33290f; --bad: #ff9b91; --bad-tint: #3a1917; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 860px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: 28px; line-height: 1.25; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 36px 0 12px; }
.subtitle { color: var(--muted); margin: 6px 0 0; overflow-wrap: anywhere; }
.verdict { margin: 24px 0; padding: 12px 16px; border-left: 5px solid; border-radius: 4px; overflow-wrap: anywhere; }
.verdict b { text-transform: capitalize; margin-right: 6px; }
.good { border-color: var(--good); background: var(--good-tint); } .good b { color: var(--good); }
.caution { border-color: var(--caution); background: var(--caution-tint); } .caution b { color: var(--caution); }
.bad { border-color: var(--bad); background: var(--bad-tint); } .bad b { color: var(--bad); }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(190px, 1fr)); gap: 12px 24px; margin: 24px 0; }
dt { color: var(--muted); font-size: 13px; } dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; margin: 24px 0; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
caption { text-align: left; font-weight: 600; font-size: 18px; padding-bottom: 8px; }
th { text-align: left; font-weight: 600; color: var(--muted); border-bottom: 2px solid var(--line); }
th, td { padding: 6px 12px; white-space: nowrap; } th:first-child, td:first-child { padding-left: 0; }
td { border-bottom: 1px solid var(--line); } tbody tr:hover { background: var(--tint); }
.note, figcaption, .notes { color: var(--muted); font-size: 14px; }
figure { margin: 28px 0; break-inside: avoid; }
figure svg { display: block; width: 100%; max-width: 720px; height: auto; background: #ffffff; border: 1px solid var(--line); border-radius: 6px; }
figcaption { margin-top: 8px; }
@media print { main { padding: 0; max-width: none; } .scroll { overflow: visible; } tr, .verdict { break-inside: avoid; }
  .verdict { -webkit-print-color-adjust: exact; print-color-adjust: exact; } }
</style>
</head>
<body>
<main>
<h1>{{.Title}}</h1>
{{- if .Subtitle}}
<p class="subtitle">{{.Subtitle}}</p>
{{- end}}
{{- if .Verdict.Text}}
<p class="verdict {{.Verdict.Level}}"><b>{{.Verdict.Level}}</b> {{.Verdict.Text}}</p>
{{- end}}
{{- if .Facts}}
<dl>
{{- range .Facts}}
<div><dt>{{.Key}}</dt><dd>{{.Value}}</dd></div>
{{- end}}
</dl>
{{- end}}
{{- range .Tables}}
<div class="scroll">
{{.}}</div>
{{- end}}
{{- range .Figures}}
<figure>
{{.SVG}}
{{- if .Caption}}<figcaption>{{.Caption}}</figcaption>{{end}}
</figure>
{{- end}}
{{- if .Notes}}
<h2>Notes</h2>
<ul class="notes">
{{- range .Notes}}
<li>{{.}}</li>
{{- end}}
</ul>
{{- end}}
</main>
</body>
</html>
`

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

type pageFigure struct {
	SVG     template.HTML
	Caption string
}

// WriteHTML writes the page as one HTML file that needs no other: styles and figures
// are inline, there are no scripts, no links and no time stamps. Every text is escaped.
// It follows the reader's light or dark setting and prints. A nil page is an empty
// one. The error is that of w, wrapped.
func (p *Page) WriteHTML(w io.Writer) error {
	if p == nil {
		p = &Page{}
	}
	data := struct {
		Title, Subtitle string
		Verdict         Verdict
		Facts           []KV
		Tables          []template.HTML
		Figures         []pageFigure
		Notes           []string
	}{Title: clean(p.Title), Subtitle: clean(p.Subtitle), Verdict: Verdict{p.Verdict.Level, clean(p.Verdict.Text)}}
	if data.Title == "" {
		data.Title = "Fit"
	}
	for _, f := range p.Facts {
		data.Facts = append(data.Facts, KV{clean(f.Key), clean(f.Value)})
	}
	for _, t := range p.Tables {
		if t != nil {
			// Table.HTML and Figure.SVG escape every text they are given.
			data.Tables = append(data.Tables, template.HTML(t.HTML()))
		}
	}
	for _, f := range p.Figures {
		if f.Figure != nil {
			data.Figures = append(data.Figures, pageFigure{template.HTML(f.Figure.SVG()), clean(f.Caption)})
		}
	}
	for _, n := range p.Notes {
		data.Notes = append(data.Notes, clean(n))
	}
	if err := pageTemplate.Execute(w, data); err != nil {
		return fmt.Errorf("report: Page.WriteHTML: %w", err)
	}
	return nil
}

// Save writes the page to a file. A file that is already there is replaced only when
// the page has been rendered.
func (p *Page) Save(path string) error {
	var buf bytes.Buffer
	if err := p.WriteHTML(&buf); err != nil {
		return err
	}
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		return fmt.Errorf("report: Page.Save: %w", err)
	}
	return nil
}

// String returns the page without its figures as text.
func (p *Page) String() string {
	if p == nil {
		return ""
	}
	var b bytes.Buffer
	line := func(s string) {
		if s != "" {
			b.WriteString(clean(s) + "\n")
		}
	}
	line(p.Title)
	line(p.Subtitle)
	if p.Verdict.Text != "" {
		line(p.Verdict.Level.String() + ": " + p.Verdict.Text)
	}
	for _, f := range p.Facts {
		line(f.Key + ": " + f.Value)
	}
	for _, t := range p.Tables {
		if s := t.String(); s != "" {
			b.WriteString("\n" + s)
		}
	}
	for i, n := range p.Notes {
		if i == 0 {
			b.WriteString("\n")
		}
		line("- " + n)
	}
	return b.String()
}

// SimpleRender returns the page as text/html and text/plain, keyed by MIME type. The
// HTML keeps to itself in an iframe, because a page's styles would change those of
// the notebook around it.
func (p *Page) SimpleRender() map[string]interface{} {
	var page, frame bytes.Buffer
	if err := p.WriteHTML(&page); err == nil {
		frame.WriteString(`<iframe sandbox style="width:100%;height:900px;border:0" srcdoc="`)
		template.HTMLEscape(&frame, page.Bytes())
		frame.WriteString(`"></iframe>`)
	}
	return map[string]interface{}{"text/html": frame.String(), "text/plain": p.String()}
}
