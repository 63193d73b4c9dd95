package main

import "github.com/natgrad/natgrad/model"

// earnings is log earnings on standardised height, sex and their product; all priors
// are flat.
func earnings(d *data) (*model.Model, error) { return linear(d, nil) }
