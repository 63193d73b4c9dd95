package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// entry is one finished run.
type entry struct {
	Choice  choice
	Scores  scores
	Seconds float64 // of one processor: search and run
}

// store holds finished runs by set, method and split, in a file that is written
// anew after every run, so that an interrupted protocol goes on where it was.
type store struct {
	mu   sync.Mutex
	path string
	Runs map[string]entry
}

func key(set, method string, split int) string {
	return fmt.Sprintf("%s/%s/%02d", set, method, split)
}

func open(path string) (*store, error) {
	s := &store{path: path, Runs: map[string]entry{}}
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &s.Runs); err != nil {
		return nil, fmt.Errorf("uci: %s holds no results: %w", path, err)
	}
	return s, nil
}

func (s *store) get(k string) (entry, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.Runs[k]
	return e, ok
}

func (s *store) put(k string, e entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Runs[k] = e
	b, err := json.MarshalIndent(s.Runs, "", " ")
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(s.path), ".uci")
	if err != nil {
		return err
	}
	_, err = tmp.Write(append(b, '\n'))
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Chmod(tmp.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(tmp.Name(), s.path)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}
