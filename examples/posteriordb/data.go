package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"gonum.org/v1/gonum/mat"
)

// data holds what the models use of the data.json of a problem; each model reads
// what it knows of. Y and X are vectors or matrices as the problem has them.
type data struct {
	Y         values
	X         values
	Group     []int
	Trials    []float64
	SE        []float64
	U, V      []float64
	T         values
	Y0        []float64
	Alpha     [][]float64
	PriorMean []float64 `json:"prior_mean"`
	PriorSD   []float64 `json:"prior_sd"`
	SdU       float64   `json:"sd_u"`
	SdV       float64   `json:"sd_v"`
	Sigma1    float64
	EmitSD    float64 `json:"emission_sd"`
}

// values is a number, a list of numbers, or a matrix given by its rows.
type values struct {
	list   []float64
	matrix *mat.Dense
}

func (v *values) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &v.list) == nil {
		return nil
	}
	*v = values{}
	var x float64
	if json.Unmarshal(b, &x) == nil {
		v.list = []float64{x}
		return nil
	}
	var rows [][]float64
	if err := json.Unmarshal(b, &rows); err != nil {
		return fmt.Errorf("want a number, a list of numbers or a list of rows: %w", err)
	}
	if len(rows) == 0 || len(rows[0]) == 0 {
		return errors.New("the matrix is empty")
	}
	v.matrix = mat.NewDense(len(rows), len(rows[0]), nil)
	for i, r := range rows {
		if len(r) != len(rows[0]) {
			return fmt.Errorf("row %d has %d values, want %d", i+1, len(r), len(rows[0]))
		}
		v.matrix.SetRow(i, r)
	}
	return nil
}

// groups returns group labels that count from 0, and their number.
func (d *data) groups() (index []int, n int) {
	index = make([]int, len(d.Group))
	for i, g := range d.Group {
		index[i] = g - 1
		n = max(n, g)
	}
	return index, n
}

// moments of a reference in the order of its names.
type moments struct {
	Names         []string
	Mean, SD      []float64
	Q05, Q50, Q95 []float64
}

// gaussian is the best normal approximation of a family on the unconstrained scale.
type gaussian struct {
	ELBO     float64
	ELBOErr  float64 `json:"elbo_se"`
	KL       float64 `json:"kl_to_posterior"`
	Mean, SD []float64
}

// reference holds what is known of a posterior.
type reference struct {
	Name                       string
	Rows, Dim                  int
	Constrained, Unconstrained moments
	Exact                      *struct {
		LogNormaliser              float64 `json:"log_normaliser"`
		Constrained, Unconstrained moments
	}
	LogNormaliser struct{ Value float64 } `json:"log_normaliser"`
	Checks        []struct {
		At         []float64
		LogDensity float64 `json:"log_density"`
		Gradient   []float64
	} `json:"log_density_checks"`
	GaussianVI struct {
		FullRank  gaussian `json:"full_rank"`
		MeanField gaussian `json:"mean_field"`
	} `json:"gaussian_vi"`
}

// truth returns the moments on the natural and the unconstrained scale and the log
// normaliser: by quadrature where known, else from the draws.
func (r *reference) truth() (natural, free moments, logZ float64) {
	if r.Exact != nil {
		return r.Exact.Constrained, r.Exact.Unconstrained, r.Exact.LogNormaliser
	}
	return r.Constrained, r.Unconstrained, r.LogNormaliser.Value
}

// read returns data and reference of the problem in a folder.
func read(dir string) (*data, *reference, error) {
	d, r := &data{}, &reference{}
	if err := readJSON(filepath.Join(dir, "data.json"), d); err != nil {
		return nil, nil, err
	}
	return d, r, readJSON(filepath.Join(dir, "reference.json"), r)
}

func readJSON(path string, dst any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, dst); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
