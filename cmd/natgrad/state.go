package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/natgrad/natgrad/glm"
	"github.com/natgrad/natgrad/internal/wire"
	"github.com/natgrad/natgrad/vi"
)

const (
	runFormat  = "natgrad-run"
	runVersion = 1
	maxDraws   = 1_000_000
	maxState   = 1 << 30 // bytes of run.state and run.json that are read
)

// runConfig is everything that decides the bytes of a fit. It is written to
// run.json when the fit has ended and to run.state while it has not.
type runConfig struct {
	Format      string   `json:"format"`
	Version     int      `json:"version"`
	Data        string   `json:"data"` // absolute path
	DataSHA256  string   `json:"data_sha256"`
	Formula     string   `json:"formula"`
	Family      string   `json:"family"`
	Priors      []string `json:"priors,omitempty"`
	Missing     string   `json:"missing,omitempty"`
	Weights     string   `json:"weights,omitempty"`
	Offset      string   `json:"offset,omitempty"`
	Trials      string   `json:"trials,omitempty"`
	Seed        uint64   `json:"seed"`
	Draws       int      `json:"draws,omitempty"`
	Batch       int      `json:"batch,omitempty"`
	Iterations  int      `json:"iterations,omitempty"`
	Tol         float64  `json:"tol,omitempty"`
	After       string   `json:"after,omitempty"` // absolute path of the fit.json that is the prior
	AfterSHA256 string   `json:"after_sha256,omitempty"`
}

// check refuses what no fit of this command can have written.
func (c *runConfig) check() error {
	badSum := func(s string) bool { b, err := hex.DecodeString(s); return err != nil || len(b) != 32 }
	switch {
	case c.Format != runFormat:
		return fmt.Errorf("format is %q, want %q", c.Format, runFormat)
	case c.Version != runVersion:
		return fmt.Errorf("version is %d, want %d", c.Version, runVersion)
	case !filepath.IsAbs(c.Data) || badSum(c.DataSHA256):
		return errors.New("it names no data file")
	case c.After != "" && (!filepath.IsAbs(c.After) || badSum(c.AfterSHA256)):
		return errors.New("it names no earlier fit")
	}
	return c.checkNumbers()
}

func (c *runConfig) checkNumbers() error {
	switch {
	case c.Draws < 0 || c.Draws > maxDraws:
		return fmt.Errorf("-draws is %d, want between 1 and %d", c.Draws, maxDraws)
	case c.Batch < 0:
		return fmt.Errorf("-batch is %d, want at least 1", c.Batch)
	case c.Iterations < 0:
		return fmt.Errorf("-iterations is %d, want at least 1", c.Iterations)
	case !(c.Tol >= 0):
		return fmt.Errorf("-tol is %v, want a positive number of nats", c.Tol)
	}
	return nil
}

func (c *runConfig) marshal() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(c); err != nil {
		panic(err) // strings and finite numbers only
	}
	return b.Bytes()
}

// readRunConfig reads the run.json of a finished fit.
func readRunConfig(dir string) (*runConfig, error) {
	path := filepath.Join(dir, runFile)
	b, err := readLimited(path)
	if err != nil {
		return nil, err
	}
	var c runConfig
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", path, err)
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", path, err)
	}
	return &c, nil
}

func readLimited(path string) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > maxState {
		return nil, fmt.Errorf("%s is not a file of at most %d bytes", path, maxState)
	}
	return os.ReadFile(path)
}

const (
	stateMagic   = "ngcmd"
	stateVersion = 1
)

// writeState replaces run.state: the configuration and the state of the engine
// in one checksummed file, so that the two always belong together.
func writeState(dir string, c *runConfig, engine []byte) error {
	w := wire.NewWriter(stateMagic, stateVersion)
	w.Bytes(c.marshal())
	w.Bytes(engine)
	return replaceFiles(dir, []outFile{{stateFile, w.Finish()}})
}

// readState reads run.state. Damage of any kind is a *vi.StateError.
func readState(dir string) (*runConfig, []byte, error) {
	b, err := readLimited(filepath.Join(dir, stateFile))
	if err != nil {
		return nil, nil, err
	}
	r, err := wire.NewReader(b, stateMagic, stateVersion)
	if err != nil {
		return nil, nil, &vi.StateError{Reason: err.Error()}
	}
	text, engine := r.Bytes(), r.Bytes()
	if err := r.Done(); err != nil {
		return nil, nil, &vi.StateError{Reason: "damaged: " + err.Error()}
	}
	var c runConfig
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, nil, &vi.StateError{Reason: "damaged: " + err.Error()}
	}
	if err := c.check(); err != nil {
		return nil, nil, &vi.StateError{Reason: "damaged: " + err.Error()}
	}
	return &c, engine, nil
}

// loadFit reads the fit.json of a directory.
func loadFit(dir string) (*glm.Result, error) {
	if err := checkFitDir(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, fitFile)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		switch {
		case !exists(dir):
			return nil, fmt.Errorf("%s: no such directory", dir)
		case exists(filepath.Join(dir, stateFile)):
			return nil, fmt.Errorf("the fit in %s is unfinished: go on with \"natgrad resume %s\"", dir, quoteArg(dir))
		}
		return nil, fmt.Errorf("%s holds no fit: there is no %s", dir, fitFile)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fit, err := glm.Load(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %s", path, explain(err))
	}
	return fit, nil
}

// loadEarlier reads the fit that serves as prior and checks its fingerprint if
// one is known.
func (c *runConfig) loadEarlier() (*glm.Result, error) {
	if c.After == "" {
		return nil, nil
	}
	dir := filepath.Dir(c.After)
	fit, err := loadFit(dir)
	if err != nil {
		return nil, fmt.Errorf("-after: %w", err)
	}
	sum, err := fingerprint(c.After)
	if err != nil {
		return nil, err
	}
	if c.AfterSHA256 != "" && sum != c.AfterSHA256 {
		return nil, fmt.Errorf("the earlier fit in %s has changed since this run began", dir)
	}
	c.AfterSHA256 = sum
	return fit, nil
}

// usedBefore reports whether the data are those of the fit that serves as prior,
// or of one before it as far as these are still there.
func (c *runConfig) usedBefore() bool {
	const longest = 1000 // of a chain of fits; files that name each other make no endless loop
	earlier := c
	for range longest {
		if earlier.After == "" {
			return false
		}
		next, err := readRunConfig(filepath.Dir(earlier.After))
		if err != nil {
			return false
		}
		if next.DataSHA256 == c.DataSHA256 {
			return true
		}
		earlier = next
	}
	return false
}

// options turns the configuration into those of the model.
func (c *runConfig) options(rows int, earlier *glm.Result) (*glm.Options, error) {
	o := &glm.Options{
		DesignOptions: glm.DesignOptions{Missing: c.Missing, Weights: c.Weights, Offset: c.Offset, Trials: c.Trials},
		After:         earlier,
		Settings:      vi.Settings{Seed: c.Seed, Batch: c.Batch, Iterations: c.Iterations, Tol: c.Tol, CheckpointEvery: 2 * time.Second},
	}
	// The draws are those that k-hat rests on: no fewer than the engine takes by
	// itself, which is at least 200 and for a small file up to 4000.
	const least, enough, manyRows = 200, 4000, 20_000
	switch {
	case c.Draws > least && rows <= manyRows:
		o.Settings.Diagnostics = max(c.Draws, enough)
	case c.Draws > least:
		o.Settings.Diagnostics = c.Draws
	}
	var err error
	if o.Family, err = glm.ParseFamily(c.Family); err != nil {
		return nil, err
	}
	for _, p := range c.Priors {
		s, err := glm.ParsePriorSpec(p)
		if err != nil {
			return nil, err
		}
		o.Priors = append(o.Priors, s)
	}
	if earlier != nil && c.Missing != "" {
		earlier.Encoding.Missing = c.Missing
	}
	return o, nil
}
