package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/natgrad/natgrad/internal/wire"
)

// longFit is a stochastic fit of about a second, with a checkpoint every few
// hundredths of one.
func longFit(data, out string) []string {
	return []string{"fit", data, "-formula", "y ~ .", "-family", "bernoulli", "-batch", "32", "-tol", "1e-6", "-iterations", "6000",
		"-o", out, "-checkpoint-every", "50ms"}
}

// start runs the command in a process of its own.
func start(t *testing.T, args ...string) (*exec.Cmd, *bytes.Buffer, *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	c := exec.Command(self, args...)
	c.Env = append(os.Environ(), asCommand+"=1")
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() })
	return c, &out, &errs
}

// waitFor waits until run.state has been written after the given time.
func waitFor(t *testing.T, dir string, after time.Time) time.Time {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if st, err := os.Stat(filepath.Join(dir, stateFile)); err == nil && st.ModTime().After(after) {
			return st.ModTime()
		}
		if exists(filepath.Join(dir, fitFile)) {
			t.Fatal("the fit ended before it could be stopped")
		}
	}
	t.Fatal("no checkpoint in 20 s")
	return after
}

// A fit that is killed twice, at whatever moment, and resumed gives the files
// of the fit that was left alone, byte for byte.
func TestKillAndResume(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "d.csv", logisticCSV(3000, 12))
	whole, _, _ := start(t, longFit("d.csv", "whole")...)
	c, _, _ := start(t, longFit("d.csv", "cut")...)
	seen := waitFor(t, "cut", time.Time{})
	for range 2 {
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := c.Wait(); err == nil {
			t.Fatal("the fit ended before it was killed")
		}
		if exists(filepath.Join("cut", fitFile)) {
			t.Fatal("there is a result before the end")
		}
		if code, _, errs := call("check", "cut"); code != exitError || !strings.Contains(errs, "natgrad resume cut") {
			t.Errorf("check of an unfinished fit: %d, %s", code, errs)
		}
		if code, _, errs := call(longFit("d.csv", "cut")...); code != exitError || !strings.Contains(errs, "natgrad resume cut") {
			t.Errorf("fit over an unfinished fit: %d, %s", code, errs)
		}
		c, _, _ = start(t, "resume", "cut", "-workers", "1", "-checkpoint-every", "20ms")
		seen = waitFor(t, "cut", seen)
	}
	codes := make(chan int, 2)
	for _, p := range []*exec.Cmd{whole, c} {
		_ = p.Wait()
		codes <- p.ProcessState.ExitCode()
	}
	if a, b := <-codes, <-codes; a != b || a != exitOK && a != exitBad {
		t.Errorf("exit codes %d and %d", a, b)
	}
	files := snapshot(t, "whole")
	if len(files) != 5 {
		t.Errorf("%d entries, want the directory and 4 files", len(files))
	}
	same(t, "resumed", files, snapshot(t, "cut"))
	code, out, errs := call("resume", "cut")
	if code != exitOK && code != exitBad || !strings.Contains(out, "nothing to resume") {
		t.Errorf("resume of a finished fit: %d, %s%s", code, out, errs)
	}
}

// Ctrl-C says where the run stood and what to type next.
func TestInterrupt(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "d.csv", logisticCSV(3000, 12))
	c, out, errs := start(t, longFit("d.csv", "my fit")...)
	waitFor(t, "my fit", time.Time{})
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	if code := c.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d, want 130", code)
	}
	for _, want := range []string{"UNFINISHED", "x12", "interrupted after", "ELBO", "go on with: natgrad resume 'my fit'"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
	if !strings.Contains(errs.String(), "natgrad: stopped after") {
		t.Errorf("stderr %s", errs)
	}
	if got := snapshot(t, "my fit"); len(got) != 2 || got[stateFile] == "" {
		t.Errorf("%d entries, want the directory and its state", len(got))
	}
}

// countdown is a context that a signal ends after it has been asked n times.
type countdown struct {
	context.Context
	cancel context.CancelCauseFunc
	n      int
}

func (c *countdown) Err() error {
	if c.n--; c.n < 0 {
		c.cancel(signalError{os.Interrupt})
	}
	return c.Context.Err()
}

// stopAfter runs a fit that is interrupted after n steps.
func stopAfter(t *testing.T, n int, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancelCause(context.Background())
	var out, errs bytes.Buffer
	a := &app{ctx: &countdown{ctx, cancel, n}, stdout: &out, stderr: &errs}
	if code, err := a.dispatch(args); code != 130 || err != nil {
		t.Fatalf("code %d, %v", code, err)
	}
	return out.String()
}

// A deterministic fit that stops after any of its steps is resumed bit for bit.
func TestResumeDeterministic(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "d.csv", logisticCSV(300, 2))
	for _, more := range [][]string{{"-prior", "b ~ cauchy(0, 1)"}, {"-prior", "b ~ normal(0, 1)"}} {
		args := append([]string{"fit", "d.csv", "-formula", "y ~ x1 + x2", "-family", "bernoulli", "-force"}, more...)
		mustRun(t, append(args, "-o", "whole")...)
		want := snapshot(t, "whole")
		for _, n := range []int{0, 1, 2, 3} {
			dir := fmt.Sprintf("cut%d", n)
			text := stopAfter(t, n, append(args, "-o", dir, "-json")...)
			var f fitJSON
			decode(t, text, &f)
			if f.Finished || f.Status != "interrupted" || f.Steps != n || f.Resume != "natgrad resume "+dir {
				t.Errorf("after %d steps: %s", n, text)
			}
			// What a kill in the middle of a write leaves behind goes at the end.
			write(t, filepath.Join(dir, stateFile+tmpSuffix), "half a st")
			write(t, filepath.Join(dir, fitFile+tmpSuffix), "half a f")
			mustRun(t, "resume", dir, "-quiet")
			same(t, fmt.Sprintf("%v after %d steps", more, n), want, snapshot(t, dir))
		}
	}
}

// An earlier fit stays whole until the new one has ended.
func TestForceKeepsTheOldFitUntilTheEnd(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "d.csv", logisticCSV(300, 2))
	mustRun(t, "fit", "d.csv", "-formula", "y ~ x1", "-family", "bernoulli")
	before := snapshot(t, "d.fit")
	args := []string{"fit", "d.csv", "-formula", "y ~ x2", "-family", "bernoulli", "-force"}
	stopAfter(t, 1, args...)
	after := snapshot(t, "d.fit")
	if after[stateFile] == "" {
		t.Error("no state")
	}
	delete(after, stateFile)
	same(t, "interrupted", before, after)
	mustRun(t, "check", "d.fit")
	mustRun(t, "resume", "d.fit")
	if text := snapshot(t, "d.fit")[fitFile]; !strings.Contains(text, "y ~ x2") {
		t.Error("the new fit did not replace the old one")
	}
}

// Whatever is wrong with the state or the data, resume says so and leaves the
// directory as it was.
func TestResumeRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	data := logisticCSV(300, 2)
	write(t, "d.csv", data)
	mustRun(t, "fit", "d.csv", "-formula", "y ~ x1", "-family", "bernoulli", "-o", "first")
	stopAfter(t, 2, "fit", "d.csv", "-formula", "y ~ x1 + x2", "-family", "bernoulli")
	stopAfter(t, 1, "fit", "d.csv", "-after", "first", "-o", "after.fit")
	good, err := os.ReadFile("d.fit/run.state")
	if err != nil {
		t.Fatal(err)
	}
	cfg, engine, err := readState("d.fit")
	if err != nil {
		t.Fatal(err)
	}
	pack := func(text, engine []byte) []byte {
		w := wire.NewWriter(stateMagic, stateVersion)
		w.Bytes(text)
		w.Bytes(engine)
		return w.Finish()
	}
	edit := func(change func(c *runConfig)) []byte {
		c := *cfg
		change(&c)
		return pack(c.marshal(), engine)
	}
	hostile := func() []byte {
		w := wire.NewWriter(stateMagic, stateVersion)
		w.Int(1 << 60)
		return w.Finish()
	}
	inner := append([]byte(nil), engine[:len(engine)-4]...)
	for i := len(inner) - 8; i >= 20; i -= 8 { // every field of the engine's state as a length
		copy(inner[i:], []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f})
	}
	for _, c := range []struct {
		name  string
		state []byte
		want  string
	}{
		{"empty", nil, "truncated"},
		{"truncated", good[:len(good)/2], "damaged or truncated"},
		{"one byte short", good[:len(good)-1], "checksum"},
		{"one bit flipped", append(append([]byte{}, good[:40]...), append([]byte{good[40] ^ 1}, good[41:]...)...), "checksum"},
		{"foreign", []byte(`{"format": "something else", "padding": "................"}`), "foreign"},
		{"engine state alone", engine, "foreign"},
		{"hostile length", hostile(), "length field 1152921504606846976"},
		{"engine state cut", pack(cfg.marshal(), engine[:len(engine)-9]), "checksum"},
		{"engine state empty", pack(cfg.marshal(), nil), "truncated"},
		{"engine state hostile", pack(cfg.marshal(), resum(inner)), "run.state is "},
		{"not JSON", pack([]byte("{"), engine), "damaged"},
		{"another format", edit(func(c *runConfig) { c.Format = "x" }), `format is "x"`},
		{"a newer version", edit(func(c *runConfig) { c.Version = 99 }), "version is 99"},
		{"no data", edit(func(c *runConfig) { c.Data = "relative.csv" }), "names no data file"},
		{"too many draws", edit(func(c *runConfig) { c.Draws = 1 << 40 }), "-draws"},
		{"another model", edit(func(c *runConfig) { c.Formula = "y ~ x1" }), "of another run"},
		{"another seed", edit(func(c *runConfig) { c.Seed = 99 }), "of another run: seed"},
		{"another file", edit(func(c *runConfig) { c.DataSHA256 = strings.Repeat("00", 32) }), "has changed"},
		{"a bad formula", edit(func(c *runConfig) { c.Formula = "y ~ nope" }), "column nope"},
		{"a bad prior", edit(func(c *runConfig) { c.Priors = []string{"b ~ what"} }), "what"},
	} {
		t.Run(c.name, func(t *testing.T) {
			write(t, "d.fit/run.state", string(c.state))
			before := snapshot(t, ".")
			code, out, errs := call("resume", "d.fit")
			if code != exitError || out != "" || !strings.Contains(errs, c.want) || strings.Count(errs, "\n") != 1 {
				t.Errorf("code %d, stdout %q, stderr %q; want %q", code, out, errs, c.want)
			}
			same(t, "after the refusal", before, snapshot(t, "."))
		})
	}
	write(t, "d.fit/run.state", string(good))
	write(t, "d.csv", data+"1,0.5,0.5\n")
	before := snapshot(t, ".")
	if code, _, errs := call("resume", "d.fit"); code != exitError || !strings.Contains(errs, "has changed since this fit began") {
		t.Errorf("changed data: %d, %s", code, errs)
	}
	// The finished fit was of other rows, too: check says so.
	if code, _, errs := call("check", "first"); code != exitError || !strings.Contains(errs, "has changed since the fit; name the data") {
		t.Errorf("check with changed data: %d, %s", code, errs)
	}
	if out := mustRun(t, "check", "first", "-data", "d.csv"); !strings.Contains(out, "warning: d.csv is not the file that was fitted") {
		t.Error(out)
	}
	same(t, "changed data", before, snapshot(t, "."))
	write(t, "d.csv", data)
	text, err := os.ReadFile("first/fit.json")
	if err != nil {
		t.Fatal(err)
	}
	write(t, "first/fit.json", string(text)+"\n")
	if code, _, errs := call("resume", "after.fit"); code != exitError || !strings.Contains(errs, "earlier fit in") {
		t.Errorf("changed prior: %d, %s", code, errs)
	}
	if err := os.Remove("d.csv"); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := call("resume", "d.fit"); code != exitError || !strings.Contains(errs, "no such file") {
		t.Errorf("no data: %d, %s", code, errs)
	}
	write(t, "d.csv", data)
	mustRun(t, "resume", "d.fit")
}

// resum appends the checksum with which a state passes the first test.
func resum(b []byte) []byte { return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b)) }
