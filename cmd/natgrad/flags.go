package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// newFlags returns a flag set that reports mistakes by its error alone.
func newFlags(cmd string) *flag.FlagSet {
	fs := flag.NewFlagSet(cmd, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	return fs
}

// parseArgs parses flags before, between and after the positional arguments;
// "--" ends the flags. It wants one positional argument for each of names.
// help is true if help was asked for.
func parseArgs(fs *flag.FlagSet, args []string, names ...string) (pos []string, help bool, err error) {
	for len(args) > 0 {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, true, nil
			}
			return nil, false, &usageError{fs.Name(), flagMessage(fs, err)}
		}
		rest := fs.Args()
		if len(rest) == 0 {
			break
		}
		if k := len(args) - len(rest); k > 0 && args[k-1] == "--" {
			pos = append(pos, rest...)
			break
		}
		pos, args = append(pos, rest[0]), rest[1:]
	}
	if len(pos) < len(names) {
		return nil, false, &usageError{fs.Name(), fmt.Sprintf("%s wants %s", fs.Name(), strings.Join(names, " and "))}
	}
	if len(pos) > len(names) {
		return nil, false, &usageError{fs.Name(), fmt.Sprintf("%q is one argument too many (quote arguments that hold spaces)", pos[len(names)])}
	}
	return pos, false, nil
}

// flagMessage rewords an error of the flag package and suggests the flag that
// was probably meant.
func flagMessage(fs *flag.FlagSet, err error) string {
	name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown {
		return err.Error()
	}
	var names []string
	fs.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	msg := "unknown flag -" + name
	if near := nearest(strings.TrimLeft(name, "-"), names); near != "" {
		msg += ", did you mean -" + near + "?"
	}
	return msg
}

// isSet reports whether a flag was given.
func isSet(fs *flag.FlagSet, name string) bool {
	set := false
	fs.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	return set
}

// nearest returns the candidate that word is probably a misspelling of, or "".
func nearest(word string, candidates []string) string {
	best, least := "", len(word)/3+1
	for _, c := range candidates {
		switch d := distance(word, c); {
		case d <= least && (best == "" || d < least):
			best, least = c, d
		case best == "" && len(word) >= 3 && strings.HasPrefix(c, word):
			best = c
		}
	}
	return best
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diag
			if a[i] != b[j] {
				d = 1 + min(diag, row[j], row[j+1])
			}
			diag, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}

// quoteArg writes an argument so that a POSIX shell reads it back.
func quoteArg(s string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./+=:,@%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !safe(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
