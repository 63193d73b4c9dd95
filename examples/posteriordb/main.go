// Posteriordb fits the reference posteriors of testdata/posteriordb (posteriordb,
// Magnusson et al. 2024), each a model in a file of its own, with default
// settings, and prints how far every fit is from the truth and what it says of
// itself.
//
//	go run ./examples/posteriordb                   the scoreboard
//	go run ./examples/posteriordb -only garch-garch11
//	go run ./examples/posteriordb -seeds 20         normal fits from dispersed starts
//	go run ./examples/posteriordb -markdown         writes docs/scoreboard.md
//
// NATGRAD_POSTERIORDB names another folder of the same kind.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
)

// settings of a run.
type settings struct {
	root, only, page string
	seeds            int
}

func main() {
	var s settings
	s.root = os.Getenv("NATGRAD_POSTERIORDB")
	if s.root == "" {
		s.root = filepath.Join("testdata", "posteriordb")
	}
	flag.StringVar(&s.only, "only", "", "the one posterior to fit")
	flag.IntVar(&s.seeds, "seeds", 0, "fit normals from this many dispersed starts instead")
	markdown := flag.Bool("markdown", false, "write the tables to docs/scoreboard.md")
	flag.Parse()
	if *markdown {
		s.page = filepath.Join("docs", "scoreboard.md")
	}
	if err := s.run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// run prints the tables and, where there is a page, puts them there.
func (s *settings) run(ctx context.Context, w io.Writer) error {
	cases, unknown, err := load(s.root, s.only)
	if err != nil {
		return err
	}
	for _, name := range unknown {
		fmt.Fprintf(w, "%s: no model here\n", name)
	}
	if s.seeds > 0 {
		t, err := optima(ctx, cases, s.seeds, func(row string) { fmt.Fprintln(w, row) })
		if err != nil {
			return err
		}
		fmt.Fprintln(w, "\n"+t)
		return s.write(map[string]string{"dispersed starts": t})
	}
	var scores []*score
	var schools *score
	for _, c := range cases {
		r, err := c.score(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintln(w, r.row())
		scores = append(scores, r)
		if c.name == schoolsName {
			schools = r
		}
	}
	stan, err := beside(scores)
	if err != nil {
		return err
	}
	tables := map[string]string{"scoreboard": scoreboard(scores), "richer than a normal": gaps(scores), "beside Stan": stan}
	for _, name := range []string{"scoreboard", "richer than a normal", "beside Stan"} {
		fmt.Fprintf(w, "\n%s", tables[name])
	}
	if schools != nil {
		centred, err := loadCentred(s.root)
		if err != nil {
			return err
		}
		bad, err := centred.score(ctx)
		if err != nil {
			return err
		}
		tables["two forms"] = funnel(bad, schools)
		fmt.Fprintf(w, "\n%s", tables["two forms"])
	}
	return s.write(tables)
}

// write replaces the tables of the page, which stand between comments with their
// names.
func (s *settings) write(tables map[string]string) error {
	if s.page == "" {
		return nil
	}
	b, err := os.ReadFile(s.page)
	if err != nil {
		return err
	}
	page := string(b)
	for name, t := range tables {
		begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->\n"
		i, j := strings.Index(page, begin), strings.Index(page, end)
		if i < 0 || j < i {
			return fmt.Errorf("%s has no place for the table %q: want the lines %q and %q", s.page, name, strings.TrimSpace(begin), strings.TrimSpace(end))
		}
		page = page[:i+len(begin)] + "\n" + t + "\n" + page[j:]
	}
	return os.WriteFile(s.page, []byte(page), 0o644)
}
