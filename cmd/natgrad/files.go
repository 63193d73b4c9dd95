package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/natgrad/natgrad/glm"
)

// The files of a fit. stateFile exists only while a run is unfinished, the
// others only once it has ended.
const (
	fitFile    = "fit.json"
	drawsFile  = "draws.csv"
	reportFile = "report.html"
	runFile    = "run.json"
	stateFile  = "run.state"
)

// tmpSuffix marks a file that is being written.
const tmpSuffix = ".tmp"

var resultFiles = []string{fitFile, drawsFile, reportFile, runFile}

// dataset is a data file together with its fingerprint.
type dataset struct {
	glm.Table
	path string // absolute
	sum  string // SHA-256 of the bytes of the file
}

// readData reads a CSV file. It has to be a regular file, because its
// fingerprint is taken in a pass of its own and a resumed run reads it again.
func readData(path string) (*dataset, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	switch {
	case st.IsDir():
		return nil, fmt.Errorf("%s is a directory, want a CSV file", path)
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file, want a CSV file that can be read again", path)
	}
	sum, err := fingerprint(path)
	if err != nil {
		return nil, err
	}
	t, err := glm.ReadCSVFile(path)
	if err != nil {
		return nil, err
	}
	return &dataset{Table: t, path: abs, sum: sum}, nil
}

func fingerprint(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// outputDir is the default directory of a fit: wells.csv gives wells.fit.
func outputDir(data string) string {
	base := filepath.Base(data)
	base = strings.TrimSuffix(base, ".gz")
	if ext := filepath.Ext(base); ext != "" && ext != base {
		base = strings.TrimSuffix(base, ext)
	}
	return base + ".fit"
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func isDir(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

// checkFitDir refuses a file where the directory of a fit is wanted.
func checkFitDir(path string) error {
	if !exists(path) || isDir(path) {
		return nil
	}
	dir := outputDir(path)
	if slices.Contains(resultFiles, filepath.Base(path)) || filepath.Base(path) == stateFile {
		dir = filepath.Dir(path)
	}
	return fmt.Errorf("%s is a file; want the directory of a fit (such as %s)", path, dir)
}

// checkOutput refuses a directory that a fit must not be written to.
func checkOutput(dir string, force bool) error {
	st, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !st.IsDir():
		return fmt.Errorf("%s is a file, want a directory for the fit (flag -o)", dir)
	case force:
		return nil
	case exists(filepath.Join(dir, stateFile)):
		return fmt.Errorf("%s holds an unfinished fit: go on with \"natgrad resume %s\", or start anew with -force", dir, quoteArg(dir))
	}
	for _, name := range resultFiles {
		if exists(filepath.Join(dir, name)) {
			return fmt.Errorf("%s already holds %s: choose another directory with -o, or replace the fit with -force", dir, name)
		}
	}
	return nil
}

// makeOutput creates the directory and makes sure that it can be written to,
// before the work and not after it.
func makeOutput(dir string) (created bool, err error) {
	created = !exists(dir)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return false, fmt.Errorf("cannot write the fit: %w", err)
	}
	probe := filepath.Join(dir, stateFile+tmpSuffix)
	if err := os.WriteFile(probe, nil, 0o666); err != nil {
		return created, fmt.Errorf("cannot write the fit: %w", err)
	}
	return created, os.Remove(probe)
}

// removeState ends a run: its state goes, and what a kill in the middle of
// writing one has left.
func removeState(dir string) error {
	for _, name := range []string{stateFile + tmpSuffix, stateFile} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return &writeError{err}
		}
	}
	return nil
}

// writeError marks a failure to write to the directory of a fit.
type writeError struct{ err error }

func (e *writeError) Error() string { return "cannot write the fit: " + e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }

// outFile is a file to be written.
type outFile struct {
	name string
	data []byte
}

// replaceFiles writes files to dir so that each is replaced at once, and none
// before all of them are safely on the disk.
func replaceFiles(dir string, files []outFile) (err error) {
	defer func() {
		if err != nil {
			for _, f := range files {
				_ = os.Remove(filepath.Join(dir, f.name+tmpSuffix))
			}
			err = &writeError{err}
		}
	}()
	for _, f := range files {
		if err := writeSynced(filepath.Join(dir, f.name+tmpSuffix), f.data); err != nil {
			return err
		}
	}
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		if err := os.Rename(path+tmpSuffix, path); err != nil {
			return err
		}
	}
	// The renames are durable once the directory is; not every system can say so.
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
	return nil
}

func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
