package main

import (
	"fmt"

	"github.com/natgrad/natgrad/internal/spelling"
)

var commandNames = []string{"fit", "check", "predict", "resume", "version", "help"}

const helpText = `natgrad fits Bayesian regressions to CSV files and says how far to trust them.

  natgrad fit data.csv -formula "y ~ x"   fit, report, and write a directory
  natgrad check data.fit                  judge a saved fit: k-hat, LOO, predictive checks
  natgrad predict data.fit new.csv        predict new rows, with intervals
  natgrad resume data.fit                 go on with a fit that was stopped or killed
  natgrad version                         print the version
  natgrad help [command]                  explain a command

Flags may stand before or after the file. Exit codes:
  0    done; the verdict is good or caution
  1    error: bad data, formula, prior or file; the message is on standard error
  2    mistake in the command line
  3    the fit ended, but its verdict is bad: do not use it as it is
  130  stopped by Ctrl-C (143: by SIGTERM); "natgrad resume" goes on
`

var helpTexts = map[string]string{
	"fit": `natgrad fit data.csv -formula "y ~ x" [flags]

Fits a regression, prints the posterior and a verdict, and writes a directory:
  fit.json     the posterior, reloadable by check, predict, -after and glm.Load
  draws.csv    draws in CmdStan's form, for ArviZ and R's posterior package
  report.html  one self-contained page with tables and pictures
  run.json     the data, its SHA-256 and the flags
Equal data, flags and seed give equal bytes, whatever -workers is.

Model
  -formula F    Wilkinson formula: "y ~ x1 + x2", "y ~ a*b", "y ~ log(x) + I(x^2)",
                "y ~ C(code) - 1", "cbind(yes, no) ~ x", "y ~ ." (all other columns)
  -family F     gaussian (default), student-t, bernoulli, binomial, poisson,
                negative-binomial, gamma; links as in bernoulli(probit)
  -prior P      prior of one parameter, repeatable: "x1 ~ normal(0, 1)",
                "(Intercept) ~ student-t(3, 0, 10)", "sigma ~ exponential(1)";
                b stands for every coefficient but the intercept. Defaults are
                weakly informative and adapt to the scale of the data.
                Coefficients: normal(mean, sd), student-t(df, mean, scale),
                cauchy(location, scale), flat. Sigma and the like: exponential(rate),
                half-normal(scale), half-cauchy(scale), half-student-t(df, scale),
                inverse-gamma(shape, scale), gamma(shape, rate), log-normal(mean, sd), flat
  -missing M    error (default) or omit: what to do with rows that lack a value
  -weights C    column of weights of the rows' log likelihoods
  -offset C     column added to the linear predictor
  -trials C     column of numbers of binomial trials
  -after DIR    take the posterior of an earlier fit as prior; formula and family
                are then those of that fit

Output
  -o DIR        where to write; default: data.fit for data.csv, in this directory
  -force        replace an earlier fit, once the new one has ended
  -draws N      draws in draws.csv; default 1000, from 20 000 rows on fewer (at least 200)
  -json         print one JSON object and nothing else (see below)
  -quiet        print nothing but errors

Computation
  -seed N       seed of all random numbers (default 0)
  -batch N      rows a step, for data too large for full passes; default all
  -iterations N most steps; default 500, with -batch 20000
  -tol X        ELBO gain in nats below which the fit has converged;
                default 1e-8, with -batch 0.01
  -workers N    goroutines; default one a core
  -checkpoint-every D
                how often a long fit saves run.state, such as 30s (default 2s)

Keys of -json: command, dir, files, finished, resume (if not finished), data, rows,
omitted, formula, family, parameters (name, mean, sd, q05, q50, q95, prior), grade
(good, caution, bad), verdict, warnings, status, conditions, method, steps, elbo,
elbo_err, data_fit, kl, k_hat, ess, elbo_mc, elbo_mc_err, log_evidence, seconds.
NaN and infinities are null.

Example
  natgrad fit wells.csv -formula "switch ~ dist * arsenic" -family bernoulli -prior "b ~ normal(0, 1)"
`,
	"check": `natgrad check DIR [flags]

Judges a saved fit with fresh draws from its posterior: verdict, k-hat, effective
draws, ELBO by quadrature and by draws, PSIS-LOO (rows that it fails for are
named), WAIC, and posterior predictive checks. Needs the data of the fit.

  -data FILE    check against this file; default: the data of the fit, which must
                not have changed
  -seed N       seed of the draws (default 2: other draws than those of the fit)
  -workers N    goroutines; default one a core
  -json         print one JSON object and nothing else: command, dir, data,
                data_changed, rows, omitted, formula, family, the keys of "fit -json"
                from grade to log_evidence, loo and waic (elpd, se, p, p_se,
                unsafe_rows), high_k_rows (row, line, k_hat), predictive_checks
                (statistic, observed, mean, q05, q95, p)

The exit code is 3 if the verdict is bad, as for fit.

Example
  natgrad check wells.fit
`,
	"predict": `natgrad predict DIR new.csv [flags]

Predicts the rows of new.csv, which needs the columns of the formula but not the
outcome. Prints CSV, one line a row: row (from 1), then mean, sd, lower and upper
end of the interval of the linear predictor (predictor...), of the mean outcome
(mean...; the probability, for bernoulli and binomial) and of an outcome not yet
seen (outcome...).

  -level P      coverage of the intervals (default 0.9)
  -o FILE       write the CSV to a file; -force replaces one that is there
  -missing M    error or omit; default as in the fit
  -draws N      draws behind the intervals of outcomes (default 4000)
  -seed N       seed of the draws (default 0)
  -json         print one JSON object and nothing else: command, dir, data, formula,
                family, level, rows (row; predictor, mean and outcome, each with
                mean, sd, lower, upper)

Example
  natgrad predict wells.fit new.csv -level 0.5 -o predictions.csv
`,
	"resume": `natgrad resume DIR [flags]

Goes on with a fit that was stopped by Ctrl-C or killed, from the state in
DIR/run.state. The files it writes are byte for byte those of a run that was never
stopped. The data file must be where it was, and unchanged.

  -workers N, -checkpoint-every D, -json, -quiet
                as for fit; see "natgrad help fit"

Example
  natgrad resume wells.fit
`,
}

func (a *app) help(args []string) (int, error) {
	if len(args) == 0 || args[0] == "help" || args[0] == "version" {
		fmt.Fprint(a.stdout, helpText)
		return exitOK, nil
	}
	text, ok := helpTexts[args[0]]
	if !ok {
		msg := fmt.Sprintf("unknown command %q", args[0])
		if s := spelling.Nearest(args[0], commandNames); s != "" {
			msg += fmt.Sprintf(", did you mean %s?", s)
		}
		return 0, &usageError{msg: msg}
	}
	fmt.Fprint(a.stdout, text)
	return exitOK, nil
}
