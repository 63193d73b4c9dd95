package main

// figure is a mean and its standard error.
type figure struct{ mean, se float64 }

// published are means over the 20 splits from Table 1 of Khan et al. (2018), the
// log-likelihoods of BBVI and Vadam in the joint form and those of dropout point by
// point, and of the later grid search of the dropout code (its readme).
type published struct {
	rmseDropout, rmseBBVI, rmseVadam, rmseDropoutGrid figure
	llDropout, llBBVI, llVadam, llDropoutGrid         figure
}

var papers = map[string]published{
	"boston":     {figure{2.97, .19}, figure{3.58, .21}, figure{3.93, .26}, figure{2.90, .18}, figure{-2.46, .06}, figure{-2.73, .05}, figure{-2.85, .07}, figure{-2.40, .04}},
	"concrete":   {figure{5.23, .12}, figure{6.14, .13}, figure{6.85, .09}, figure{4.82, .16}, figure{-3.04, .02}, figure{-3.24, .02}, figure{-3.39, .02}, figure{-2.93, .02}},
	"energy":     {figure{1.66, .04}, figure{2.79, .06}, figure{1.55, .08}, figure{0.54, .06}, figure{-1.99, .02}, figure{-2.47, .02}, figure{-2.15, .07}, figure{-1.21, .01}},
	"kin8nm":     {figure{0.10, .00}, figure{0.09, .00}, figure{0.10, .00}, figure{0.08, .00}, figure{0.95, .01}, figure{0.95, .01}, figure{0.76, .00}, figure{1.14, .01}},
	"naval":      {figure{0.01, .00}, figure{0.00, .00}, figure{0.00, .00}, figure{0.00, .00}, figure{3.80, .01}, figure{4.46, .03}, figure{4.72, .22}, figure{4.45, .00}},
	"powerplant": {figure{4.02, .04}, figure{4.31, .03}, figure{4.28, .03}, figure{4.01, .04}, figure{-2.80, .01}, figure{-2.88, .01}, figure{-2.88, .01}, figure{-2.80, .01}},
	"wine":       {figure{0.62, .01}, figure{0.65, .01}, figure{0.66, .01}, figure{0.62, .01}, figure{-0.93, .01}, figure{-1.00, .01}, figure{-1.01, .01}, figure{-0.93, .01}},
	"yacht":      {figure{1.11, .09}, figure{2.05, .06}, figure{1.32, .10}, figure{0.67, .05}, figure{-1.55, .03}, figure{-2.41, .02}, figure{-1.70, .03}, figure{-1.25, .01}},
}

// plotted are the root mean squared errors of the paper's Vadam with more digits, the
// end points of its figure.
var plotted = map[string]float64{
	"boston": 3.858, "concrete": 6.830, "energy": 1.554, "kin8nm": .1047, "naval": .0021, "powerplant": 4.285, "wine": .6578, "yacht": 1.304,
}
