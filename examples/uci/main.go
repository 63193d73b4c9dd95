// Uci runs the regression protocol of the dropout and weight-perturbation papers
// on the eight UCI sets: 20 splits each, one hidden layer of 50 rectified linear
// units, hyper-parameters chosen on the training part of each split, then one run
// on it.
//
//	go run ./examples/uci                        everything that is not stored yet
//	go run ./examples/uci -sets boston,yacht -methods IVON,Vadam -splits 5
//	go run ./examples/uci -table                 the table of the stored runs
//	go run ./examples/uci -markdown              writes it to docs/uci.md
//
// Runs are stored in -results as they finish; Ctrl-C keeps them, and the next call
// goes on. Results do not depend on -workers.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

type options struct {
	root, results, sets, methods string
	splits, workers              int
	table, markdown              bool
}

func main() {
	var o options
	flag.StringVar(&o.root, "data", filepath.Join("testdata", "uci"), "the folder of the sets")
	flag.StringVar(&o.results, "results", filepath.Join("examples", "uci", "results.json"), "the file of finished runs")
	flag.StringVar(&o.sets, "sets", strings.Join(names, ","), "sets, separated by commas")
	flag.StringVar(&o.methods, "methods", "", "methods, separated by commas; empty: all")
	flag.IntVar(&o.splits, "splits", 20, "the number of splits")
	flag.IntVar(&o.workers, "workers", runtime.GOMAXPROCS(0), "runs at a time")
	flag.BoolVar(&o.table, "table", false, "print the table of the stored runs and run nothing")
	flag.BoolVar(&o.markdown, "markdown", false, "write the table of the stored runs to docs/uci.md and run nothing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := o.run(ctx, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "uci:", strings.TrimPrefix(err.Error(), "uci: "))
		if errors.Is(err, context.Canceled) {
			os.Exit(130)
		}
		os.Exit(1)
	}
}

// task is one method on one split.
type task struct {
	set    *dataset
	method *method
	split  int
}

func (o *options) run(ctx context.Context, out, progress io.Writer) error {
	st, err := open(o.results)
	if err != nil {
		return err
	}
	if o.markdown {
		return writePage(filepath.Join("docs", "uci.md"), st)
	}
	if !o.table {
		tasks, err := o.tasks(st)
		if err != nil {
			return err
		}
		if err := runAll(ctx, tasks, st, o.workers, progress); err != nil {
			return err
		}
	}
	_, err = io.WriteString(out, text(st))
	return err
}

// tasks lists what is not stored, methods that others take their choice from first.
func (o *options) tasks(st *store) ([]task, error) {
	var list []task
	var sets []*dataset
	for _, name := range strings.Split(o.sets, ",") {
		d, err := load(o.root, strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		if o.splits < 1 || o.splits > len(d.tests) {
			return nil, fmt.Errorf("uci: -splits is %d, want 1 to %d", o.splits, len(d.tests))
		}
		sets = append(sets, d)
	}
	var known []string
	for i := range methods {
		known = append(known, methods[i].name)
	}
	wanted := map[string]bool{}
	for _, name := range strings.Split(o.methods, ",") {
		if name == "" {
			continue
		}
		i := slices.Index(known, name)
		if i < 0 {
			return nil, fmt.Errorf("uci: -methods names %q, want some of %s", name, strings.Join(known, ", "))
		}
		for ; i >= 0; i = slices.Index(known, methods[i].like) {
			wanted[known[i]] = true // what it takes its choice from too
		}
	}
	for _, d := range sets {
		for i := range methods {
			m := &methods[i]
			if len(wanted) > 0 && !wanted[m.name] {
				continue
			}
			for k := range o.splits {
				if _, done := st.get(key(d.name, m.name, k)); !done {
					list = append(list, task{d, m, k})
				}
			}
		}
	}
	return list, nil
}

// depth is the number of methods that this one's choice rests on.
func (m *method) depth() (d int) {
	for like := m.like; like != ""; d++ {
		for i := range methods {
			if methods[i].name == like {
				like = methods[i].like
				break
			}
		}
	}
	return d
}

// cost of a task in arbitrary units, for the progress bar.
func (t task) cost() float64 {
	rows := t.set.data.Rows
	c := t.method.base(rows, 0)
	_, run, evals := t.method.plan(rows)
	runs := float64(max(t.method.members, 1))
	if len(t.method.box) > 0 {
		runs += float64(run * evals)
	}
	return runs * float64(rows*c.epochs*c.draws)
}

func runAll(ctx context.Context, tasks []task, st *store, workers int, progress io.Writer) error {
	if len(tasks) == 0 {
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	total := 0.0
	for _, t := range tasks {
		total += t.cost()
	}
	bar := &bar{w: progress, total: total, count: len(tasks), start: time.Now()}
	// searched first, then those that take their choice
	for depth := range 3 {
		queue := make(chan task)
		var wg sync.WaitGroup
		for range max(workers, 1) {
			wg.Go(func() {
				for t := range queue {
					if ctx.Err() != nil {
						continue
					}
					if err := t.do(ctx, st); err != nil {
						cancel(err)
						continue
					}
					bar.done(t)
				}
			})
		}
		for _, t := range tasks {
			if t.method.depth() == depth {
				queue <- t
			}
		}
		close(queue)
		wg.Wait()
	}
	fmt.Fprintln(progress)
	return context.Cause(ctx)
}

func (t task) do(ctx context.Context, st *store) error {
	start := time.Now()
	train, test := t.set.split(t.split)
	seed := uint64(1000 + t.split)
	var c choice
	var err error
	if t.method.like != "" {
		e, ok := st.get(key(t.set.name, t.method.like, t.split))
		if !ok {
			return fmt.Errorf("uci: %s has not been run on %s, split %d", t.method.like, t.set.name, t.split)
		}
		c = e.Choice
	}
	if len(t.method.box) > 0 {
		if c, err = t.method.choose(ctx, train, t.set.name, seed, c); err != nil {
			return err
		}
	}
	cfg := t.method.base(train.rows, seed)
	c.apply(&cfg)
	p, err := fit(ctx, train, cfg)
	if err != nil {
		return fmt.Errorf("uci: %s, %s, split %d: %w", t.set.name, t.method.name, t.split, err)
	}
	p.tau *= c.Predict
	s, err := p.score(train.sy, test.X, test.Y, 100, seed)
	if err != nil {
		return fmt.Errorf("uci: %s, %s, split %d: %w", t.set.name, t.method.name, t.split, err)
	}
	return st.put(key(t.set.name, t.method.name, t.split), entry{c, s, time.Since(start).Seconds()})
}

// bar is a progress bar with the time that is left.
type bar struct {
	mu              sync.Mutex
	w               io.Writer
	total, finished float64
	n, count        int
	start           time.Time
}

func (b *bar) done(t task) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.finished += t.cost()
	b.n++
	share := b.finished / b.total
	left := time.Duration(float64(time.Since(b.start)) * (1 - share) / share).Round(time.Second)
	full := int(30 * share)
	fmt.Fprintf(b.w, "\r[%s%s] %3.0f %%  %d of %d runs  %v left  %s %s split %d      ",
		strings.Repeat("=", full), strings.Repeat(" ", 30-full), 100*share, b.n, b.count, left, t.set.name, t.method.name, t.split)
}
