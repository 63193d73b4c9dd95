package main

import "github.com/natgrad/natgrad/model"

// mesquite is the log leaf weight of bushes on six measurements; all priors are flat.
func mesquite(d *data) (*model.Model, error) { return linear(d, nil) }
