package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/natgrad/natgrad/glm"
)

type intervalJSON struct {
	Mean  num `json:"mean"`
	SD    num `json:"sd"`
	Lower num `json:"lower"`
	Upper num `json:"upper"`
}

type predictionJSON struct {
	Row       int          `json:"row"`
	Predictor intervalJSON `json:"predictor"`
	Mean      intervalJSON `json:"mean"`
	Outcome   intervalJSON `json:"outcome"`
}

type predictJSON struct {
	Command string           `json:"command"`
	Dir     string           `json:"dir"`
	Data    string           `json:"data"`
	Formula string           `json:"formula"`
	Family  string           `json:"family"`
	Level   num              `json:"level"`
	Rows    []predictionJSON `json:"rows"`
}

func (a *app) predict(args []string) (int, error) {
	var opt glm.PredictOptions
	var out, missing string
	var asJSON, force bool
	fs := newFlags("predict")
	fs.Float64Var(&opt.Level, "level", 0.9, "")
	fs.Uint64Var(&opt.Seed, "seed", 0, "")
	fs.IntVar(&opt.Draws, "draws", 4000, "")
	fs.StringVar(&out, "o", "", "")
	fs.StringVar(&missing, "missing", "", "")
	fs.BoolVar(&asJSON, "json", false, "")
	fs.BoolVar(&force, "force", false, "")
	pos, help, err := parseArgs(fs, args, "the directory of a fit", "a CSV file")
	if help {
		return a.help([]string{"predict"})
	}
	if err != nil {
		return 0, err
	}
	switch {
	case !(opt.Level > 0 && opt.Level < 1):
		return 0, &usageError{"predict", fmt.Sprintf("-level is %v, want between 0 and 1, such as 0.9", opt.Level)}
	case opt.Draws < 100 || opt.Draws > maxDraws:
		return 0, &usageError{"predict", fmt.Sprintf("-draws is %d, want between 100 and %d", opt.Draws, maxDraws)}
	case out != "" && isDir(out):
		return 0, fmt.Errorf("%s is a directory; want a file for the predictions, such as -o %s", out, quoteArg(filepath.Join(out, "predictions.csv")))
	case out != "" && !force && exists(out):
		return 0, fmt.Errorf("%s exists already: choose another file, or replace it with -force", out)
	}
	if err := checkMissing("predict", missing); err != nil {
		return 0, err
	}
	dir := pos[0]
	f, err := loadFit(dir)
	if err != nil {
		return 0, err
	}
	if missing != "" {
		f.Encoding.Missing = missing
	}
	data, err := readData(pos[1])
	if err != nil {
		return 0, err
	}
	pred, err := f.Predict(data.Table, &opt)
	if err != nil {
		return 0, err
	}
	var buf bytes.Buffer
	if err := writePredictions(&buf, pred); err != nil {
		return 0, err
	}
	if out != "" {
		if err := replaceFiles(filepath.Dir(out), []outFile{{filepath.Base(out), buf.Bytes()}}); err != nil {
			return 0, fmt.Errorf("cannot write the predictions: %w", err.(*writeError).err)
		}
	}
	switch {
	case asJSON:
		r := predictJSON{Command: "predict", Dir: dir, Data: pos[1], Formula: f.Encoding.Formula, Family: f.Family.String(), Level: num(opt.Level), Rows: []predictionJSON{}}
		for _, p := range pred {
			r.Rows = append(r.Rows, predictionJSON{p.Row + 1, newIntervalJSON(p.Predictor), newIntervalJSON(p.Mean), newIntervalJSON(p.Outcome)})
		}
		return exitOK, a.printJSON(r)
	case out == "":
		_, err = a.stdout.Write(buf.Bytes())
		return exitOK, err
	}
	fmt.Fprintf(a.stdout, "wrote %s: %s predicted\n", out, plural(len(pred), "row"))
	return exitOK, nil
}

func newIntervalJSON(v glm.Interval) intervalJSON {
	return intervalJSON{num(v.Mean), num(v.SD), num(v.Lower), num(v.Upper)}
}

// writePredictions writes a CSV file with one line a row, numbered from 1 as in
// the data without its header.
func writePredictions(buf *bytes.Buffer, pred []glm.Prediction) error {
	w := csv.NewWriter(buf)
	head := []string{"row"}
	for _, s := range []string{"predictor", "mean", "outcome"} {
		head = append(head, s, s+"_sd", s+"_lower", s+"_upper")
	}
	_ = w.Write(head) // errors are kept until Flush
	for _, p := range pred {
		rec := []string{strconv.Itoa(p.Row + 1)}
		for _, v := range []glm.Interval{p.Predictor, p.Mean, p.Outcome} {
			for _, x := range []float64{v.Mean, v.SD, v.Lower, v.Upper} {
				rec = append(rec, strconv.FormatFloat(x, 'g', 8, 64))
			}
		}
		_ = w.Write(rec)
	}
	w.Flush()
	return w.Error()
}
