// Package report turns the numbers of a fit into things a person reads: tables,
// plots, one self-contained HTML page, and draws as a CmdStan-style CSV file.
//
// The package knows no model and no inference method. It takes plain values that
// it defines itself ([Coef], [TracePoint], draws as [][]float64), so a posterior
// from any source can be shown:
//
//	tab := report.NewCoefTable(coefs)         // aligned text, Markdown, HTML
//	fig := report.CoefPlot(coefs, nil)        // SVG, PNG
//	page := &report.Page{Title: "wells", Tables: []*report.Table{tab},
//		Figures: []report.PageFigure{{Figure: fig, Caption: "..."}}}
//	err := page.WriteHTML(w)
//
// Tables, figures and pages have a SimpleRender method that returns a map from
// MIME type to content, which notebook kernels display. All rendering methods
// accept nil and zero receivers and never panic; text that comes from data (column
// names, factor levels) is escaped for the format it is written to. Equal input
// gives equal bytes: nothing depends on the time, on map order or on the machine.
package report
