package main

import "github.com/natgrad/natgrad/model"

// nes is party identification on ideology, race, age, education, sex and income; all
// priors are flat.
func nes(d *data) (*model.Model, error) { return linear(d, nil) }
