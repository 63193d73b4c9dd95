package main

import "github.com/natgrad/natgrad/model"

// problem is a posterior of posteriordb as a model in Go.
type problem struct {
	name  string // of its folder
	model func(d *data) (*model.Model, error)
}

// problems lists the posteriors, simple ones first.
var problems = []problem{
	{"sblri-blr", blr},
	{"kidiq-kidscore_momhsiq", kidiq},
	{"kidiq-kidscore_interaction", kidiq},
	{"earnings-logearn_interaction_z", earnings},
	{"mesquite-logmesquite", mesquite},
	{"nes1980-nes", nes},
	{"kilpisjarvi_mod-kilpisjarvi", kilpisjarvi},
	{"nes_logit", logit},
	{"wells-interaction_c", logit},
	{"glm_poisson", glmPoisson},
	{"glmm_poisson", glmmPoisson},
	{"surgical", surgical},
	{"eight_schools-eight_schools_noncentered", eightSchools},
	{"radon_mn-hierarchical_intercept", radon},
	{"arK-arK", ark},
	{"garch-garch11", garch},
	{"low_dim_gauss_mix-low_dim_gauss_mix", gaussMix},
	{"capture_m0", capture},
	{"hmm_example-hmm_example", hmmExample},
	{"bball_drive_event_1-hmm_drive_1", hmmDrive},
	{"gp_pois_regr-gp_regr", gpRegr},
	{"hudson_lynx_hare-lotka_volterra", lotkaVolterra},
}
