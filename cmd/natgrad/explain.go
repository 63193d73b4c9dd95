package main

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"github.com/natgrad/natgrad/glm"
	"github.com/natgrad/natgrad/vi"
)

// goPrefix is the "glm: NewModel: " or "glm.ReadCSV: " with which errors of the
// packages begin; it means nothing at a command line. Functions are listed,
// because a file may be called Data as well.
var goPrefix = regexp.MustCompile(`^(?:(?:glm|vi|report|expfam)(?:\.[A-Za-z.]+: |: (?:(?:NewModel|Fit|New|Resume|Start|MAP|Judge|Load|Save|LOO|WAIC|Replicate|Result\.[A-Z][a-z]+|WriteDraws): )?))+`)

// fileOp is the system call with which the errors of package os begin.
var fileOp = regexp.MustCompile(`(^|: )(?:open|stat|lstat|mkdir) `)

// explain words an error of the packages in terms of the command line.
func explain(err error) string {
	var rank *glm.RankError
	var missing *glm.MissingError
	var setting *vi.SettingError
	var path *fs.PathError
	msg := goPrefix.ReplaceAllString(err.Error(), "")
	switch {
	case errors.As(err, &missing):
		// The text ends with what to do in Go.
		if at := strings.LastIndex(msg, `, or set Missing to`); at >= 0 {
			msg = msg[:at] + ", or leave these rows out with -missing omit"
		}
	case errors.As(err, &rank):
		if !rank.TooFew {
			msg += "; leave one of them out of the formula"
		} else {
			msg += "; give every coefficient a proper prior, or leave some out"
		}
	case errors.As(err, &setting):
		if name, ok := strings.CutPrefix(setting.Param, "Settings."); ok {
			want := strings.Replace(setting.Want, "Target.N", "the number of rows", 1)
			msg = fmt.Sprintf("-%s is %v, want %s", strings.ToLower(name), setting.Value, want)
		}
	case errors.As(err, &path):
		msg = fileOp.ReplaceAllString(msg, "$1")
	}
	return msg
}
