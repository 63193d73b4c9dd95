package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/natgrad/natgrad/vi"
)

// resume goes on with the run that run.state holds. The directory is not
// touched before data, model and state have been checked.
func (a *app) resume(args []string) (int, error) {
	began := time.Now()
	j := &job{resumed: true}
	fs := newFlags("resume")
	j.outputFlags(fs)
	pos, help, err := parseArgs(fs, args, "the directory of a fit")
	if help {
		return a.help([]string{"resume"})
	}
	if err != nil {
		return 0, err
	}
	if err := j.checkFlags("resume"); err != nil {
		return 0, err
	}
	j.dir = pos[0]
	if err := checkFitDir(j.dir); err != nil {
		return 0, err
	}
	if !exists(filepath.Join(j.dir, stateFile)) {
		return a.nothingToResume(j)
	}
	if j.cfg, j.state, err = readState(j.dir); err != nil {
		return 0, badState(j.dir, err)
	}
	if j.earlier, err = j.cfg.loadEarlier(); err != nil {
		return 0, err
	}
	if j.data, err = readData(j.cfg.Data); err != nil {
		return 0, err
	}
	if j.data.sum != j.cfg.DataSHA256 {
		return 0, fmt.Errorf("%s has changed since this fit began, so it cannot be resumed; put the file back, or fit anew with -force", j.cfg.Data)
	}
	return a.runFit(j, began)
}

// nothingToResume reports a finished fit once more, so that a script may call
// resume whether or not the run had ended.
func (a *app) nothingToResume(j *job) (int, error) {
	f, err := loadFit(j.dir)
	if err != nil {
		return 0, err
	}
	if j.cfg, err = readRunConfig(j.dir); err != nil {
		return 0, err
	}
	switch {
	case j.json:
		err = a.printJSON(newFitJSON("fit", j, f, true, 0))
	case !j.quiet:
		fmt.Fprintf(a.stdout, "%s holds a finished fit, there is nothing to resume\n%s\n", j.dir, f.Verdict())
	}
	return gradeCode(f.VI), err
}

// badState says that a run cannot be resumed and what is left to do.
func badState(dir string, err error) error {
	var state *vi.StateError
	if errors.As(err, &state) {
		return fmt.Errorf("cannot resume: %s is %s; fit anew with -force", filepath.Join(dir, stateFile), state.Reason)
	}
	return err
}
