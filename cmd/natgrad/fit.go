package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/natgrad/natgrad/glm"
	"github.com/natgrad/natgrad/vi"
)

// job is one fit or the rest of one.
type job struct {
	cfg     *runConfig
	dir     string
	data    *dataset
	earlier *glm.Result
	state   []byte // of the engine, if the run is resumed
	resumed bool

	workers     int
	every       time.Duration // between checkpoints
	json, quiet bool
}

// outputFlags are the flags that fit and resume share; none of them changes the result.
func (j *job) outputFlags(fs *flag.FlagSet) {
	fs.IntVar(&j.workers, "workers", 0, "")
	fs.DurationVar(&j.every, "checkpoint-every", 2*time.Second, "")
	fs.BoolVar(&j.json, "json", false, "")
	fs.BoolVar(&j.quiet, "quiet", false, "")
}

func (j *job) checkFlags(cmd string) error {
	if j.workers < 0 {
		return &usageError{cmd, fmt.Sprintf("-workers is %d, want at least 1", j.workers)}
	}
	if j.every <= 0 {
		return &usageError{cmd, fmt.Sprintf("-checkpoint-every is %v, want more than 0", j.every)}
	}
	return nil
}

func (a *app) fit(args []string) (int, error) {
	began := time.Now()
	j := &job{cfg: &runConfig{Format: runFormat, Version: runVersion}}
	c := j.cfg
	var force bool
	fs := newFlags("fit")
	fs.StringVar(&c.Formula, "formula", "", "")
	fs.StringVar(&c.Family, "family", "gaussian", "")
	fs.Func("prior", "", func(s string) error { c.Priors = append(c.Priors, s); return nil })
	fs.StringVar(&c.Missing, "missing", "", "")
	fs.StringVar(&c.Weights, "weights", "", "")
	fs.StringVar(&c.Offset, "offset", "", "")
	fs.StringVar(&c.Trials, "trials", "", "")
	fs.StringVar(&j.dir, "o", "", "")
	fs.Uint64Var(&c.Seed, "seed", 0, "")
	fs.IntVar(&c.Draws, "draws", 0, "")
	fs.IntVar(&c.Batch, "batch", 0, "")
	fs.IntVar(&c.Iterations, "iterations", 0, "")
	fs.Float64Var(&c.Tol, "tol", 0, "")
	fs.StringVar(&c.After, "after", "", "")
	fs.BoolVar(&force, "force", false, "")
	j.outputFlags(fs)
	pos, help, err := parseArgs(fs, args, "a CSV file")
	if help {
		return a.help([]string{"fit"})
	}
	if err != nil {
		return 0, err
	}
	if err := j.checkFlags("fit"); err != nil {
		return 0, err
	}
	for _, name := range []string{"draws", "batch", "iterations", "tol"} {
		if f := fs.Lookup(name); isSet(fs, name) && f.Value.String() == "0" {
			return 0, &usageError{"fit", fmt.Sprintf("-%s is 0, want more; leave it out for the default", name)}
		}
	}
	if err := c.checkNumbers(); err != nil {
		return 0, &usageError{"fit", err.Error()}
	}
	if err := checkMissing("fit", c.Missing); err != nil {
		return 0, err
	}
	if j.dir == "" {
		j.dir = outputDir(pos[0])
	}
	if c.After != "" {
		if err := j.continueFit(fs); err != nil {
			return 0, err
		}
	}
	if c.Formula == "" {
		return 0, &usageError{"fit", `-formula is missing, as in -formula "y ~ x"`}
	}
	if err := checkOutput(j.dir, force); err != nil {
		return 0, err
	}
	if j.data, err = readData(pos[0]); err != nil {
		return 0, err
	}
	c.Data, c.DataSHA256 = j.data.path, j.data.sum
	return a.runFit(j, began)
}

// continueFit reads the fit that serves as prior and takes from it what the
// command line leaves out.
func (j *job) continueFit(fs *flag.FlagSet) error {
	c := j.cfg
	if len(c.Priors) > 0 {
		return &usageError{"fit", "-prior and -after exclude each other: the earlier posterior is the prior of all parameters"}
	}
	dir, err := filepath.Abs(c.After)
	if err != nil {
		return err
	}
	c.After = filepath.Join(dir, fitFile)
	if j.earlier, err = c.loadEarlier(); err != nil {
		return err
	}
	enc := j.earlier.Encoding
	if !isSet(fs, "formula") {
		c.Formula = enc.Formula
	}
	if !isSet(fs, "family") {
		c.Family = j.earlier.Family.String()
	}
	for _, f := range []struct {
		name    string
		column  *string
		earlier string
	}{{"weights", &c.Weights, enc.Weights}, {"offset", &c.Offset, enc.Offset}, {"trials", &c.Trials, enc.Trials}} {
		if isSet(fs, f.name) && *f.column != f.earlier {
			return &usageError{"fit", fmt.Sprintf("-%s is %q, but the earlier fit has %q; it must be the same model", f.name, *f.column, f.earlier)}
		}
		*f.column = f.earlier
	}
	return nil
}

// runFit fits, reports, and writes the files. Nothing is written before the
// model is known to be sound, and no earlier fit is touched before the new one has ended.
func (a *app) runFit(j *job, began time.Time) (int, error) {
	opt, err := j.cfg.options(j.data.Nrow(), j.earlier)
	if err != nil {
		return 0, err
	}
	s := &opt.Settings
	s.Workers, s.CheckpointEvery = j.workers, j.every
	s.Checkpoint = func(state []byte) error { return writeState(j.dir, j.cfg, state) }
	if !j.quiet {
		s.Progress = a.stderr
	}
	m, err := glm.NewModel(j.cfg.Formula, j.data.Table, opt)
	if err != nil {
		return 0, err
	}
	if j.cfg.usedBefore() {
		m.Warnings = append(m.Warnings, fmt.Sprintf("these rows were already used: %s is a file that the earlier fit rests on, and its rows now count twice", filepath.Base(j.cfg.Data)))
	}
	created, err := makeOutput(j.dir)
	cleanUp := func() {
		if created {
			_ = os.Remove(j.dir) // fails, as it should, unless it is empty
		}
	}
	if err != nil {
		cleanUp()
		return 0, err
	}
	var f *glm.Result
	if j.resumed {
		f, err = m.Resume(a.ctx, j.state)
	} else {
		f, err = m.Fit(a.ctx)
	}
	var stop signalError
	switch {
	case err == nil:
	case f != nil && errors.As(context.Cause(a.ctx), &stop) && errors.Is(err, context.Canceled):
		var w *writeError
		if errors.As(err, &w) {
			return 0, err
		}
		a.reportStopped(j, m, f, began)
		return stop.exitCode(), nil
	default:
		return 0, a.failed(j, err, cleanUp)
	}
	files, err := a.results(j, m, f)
	if err == nil {
		err = replaceFiles(j.dir, files)
	}
	if err != nil {
		cleanUp()
		return 0, err
	}
	if err := removeState(j.dir); err != nil {
		return 0, err
	}
	return gradeCode(f.VI), a.reportFit(j, m, f, began)
}

// failed tidies up after a run that cannot go on. A state that was written
// stays if the disk is what failed, and if it was there before.
func (a *app) failed(j *job, err error, cleanUp func()) error {
	var w *writeError
	var state *vi.StateError
	path := filepath.Join(j.dir, stateFile)
	switch {
	case errors.As(err, &state):
		return badState(j.dir, err)
	case errors.As(err, &w) && exists(path):
		return fmt.Errorf("%w; the last state is kept: natgrad resume %s", w, quoteArg(j.dir))
	case errors.As(err, &w):
		err = w
	case !j.resumed:
		_ = removeState(j.dir)
	}
	cleanUp()
	return err
}

// gradeCode is the exit code of a fit that ended.
func gradeCode(r *vi.Result) int {
	if r.Grade() == vi.Bad {
		return exitBad
	}
	return exitOK
}

// describe says in one line what was fitted to what.
func (j *job) describe(m *glm.Model, f *glm.Result) string {
	s := fmt.Sprintf("%s: %s", filepath.Base(j.cfg.Data), rowsText(f.Rows, f.Omitted))
	s += fmt.Sprintf(", %s, %s", f.Encoding.Formula, familyText(f.Family))
	if lv := m.Design.OutcomeLevels; lv != nil {
		s += fmt.Sprintf(" (1 is %s = %s)", m.Design.Outcome, lv[1])
	}
	return s
}

func rowsText(rows, omitted int) string {
	s := plural(rows, "row")
	if omitted > 0 {
		s += fmt.Sprintf(" (%d omitted for missing values)", omitted)
	}
	return s
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// familyText names family and link once.
func familyText(f glm.Family) string {
	if s := f.String(); s != f.Name() {
		return s
	}
	return fmt.Sprintf("%s(%s)", f.Name(), f.Link())
}

func (a *app) reportFit(j *job, m *glm.Model, f *glm.Result, began time.Time) error {
	took := time.Since(began).Seconds()
	if j.json {
		return a.printJSON(newFitJSON("fit", j, f, true, took))
	}
	if j.quiet {
		return nil
	}
	w := a.stdout
	fmt.Fprintf(w, "%s\n\n%s\n", j.describe(m, f), coefTable(f))
	printWarnings(w, f.Warnings)
	fmt.Fprintf(w, "%s\n%.2f s; wrote %s, %s (%s), %s to %s\n", f.Verdict(), took, fitFile,
		drawsFile, plural(j.numDraws(f), "draw"), reportFile, j.dir)
	return nil
}

// reportStopped says where an interrupted run stood and how to go on.
func (a *app) reportStopped(j *job, m *glm.Model, f *glm.Result, began time.Time) {
	took := time.Since(began).Seconds()
	again := "natgrad resume " + quoteArg(j.dir)
	fmt.Fprintf(a.stderr, "natgrad: stopped after %s; go on with: %s\n", plural(f.VI.Iterations, "step"), again)
	if j.json {
		r := newFitJSON("fit", j, f, false, took)
		r.Resume = again
		_ = a.printJSON(r)
		return
	}
	if j.quiet {
		return
	}
	w := a.stdout
	fmt.Fprintf(w, "%s\n\nUNFINISHED, where it stood:\n%s\n", j.describe(m, f), coefTable(f))
	printWarnings(w, f.Warnings)
	fmt.Fprintf(w, "%s\n%.2f s; go on with: %s\n", f.Verdict(), took, again)
}

func printWarnings(w io.Writer, warnings []string) {
	for _, s := range warnings {
		fmt.Fprintf(w, "warning: %s\n", s)
	}
	if len(warnings) > 0 {
		fmt.Fprintln(w)
	}
}
