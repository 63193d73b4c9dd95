# Writes psis.json and loo.json: reference values of R package loo 2.5.1 on
# fixed inputs. Run in this folder: Rscript psis.R
suppressMessages({library(loo); library(jsonlite)})
set.seed(20240711)
qn <- function(n) qnorm(((seq_len(n) - 0.5) / n))
vectors <- list(
  normal_narrow   = 0.1 * rnorm(400),
  normal_wide     = 3 * rnorm(1000),
  bounded         = log(runif(500)),
  bounded_right   = -log(1 - 0.9 * runif(1000)),
  exponential     = log(rexp(1000)),
  pareto_03       = 0.3 * rexp(1000),
  pareto_05       = 0.5 * rexp(1000),
  pareto_07       = 0.7 * rexp(1000),
  pareto_10       = 1.0 * rexp(800),
  pareto_15       = 1.5 * rexp(1200),
  student_target  = local({z <- rnorm(1000); dt(z, 3, log = TRUE) - dnorm(z, log = TRUE)}),
  few_draws       = rnorm(30),
  shifted_far     = -12345.678 + 2 * rnorm(600),
  some_zero       = c(rep(-800, 50), rnorm(450)),
  huge_spread     = 40 * rnorm(1000),
  normal_scores   = qn(777)
)
out <- lapply(names(vectors), function(nm) {
  lw <- vectors[[nm]]
  p <- suppressWarnings(psis(lw, r_eff = 1))
  list(name = nm, lw = lw, khat = p$diagnostics$pareto_k, n_eff = p$diagnostics$n_eff,
       tail = attr(p, "tail_len"), log_weights = as.vector(weights(p, log = TRUE, normalize = TRUE)))
})
write_json(out, "psis.json", digits = I(17), auto_unbox = TRUE)

# A linear regression's pointwise log-likelihood under its posterior, with two
# outliers so that some points have high k.
S <- 500; n <- 24
x <- qn(n); y <- 0.5 + 1.2 * x + 0.8 * rnorm(n); y[3] <- y[3] + 6; y[20] <- y[20] - 4
X <- cbind(1, x)
V <- solve(crossprod(X)); b <- V %*% crossprod(X, y)
s2 <- sum((y - X %*% b)^2) / (n - 2)
draws <- matrix(rnorm(2 * S), S) %*% chol(V * s2)
sig <- sqrt(s2 * (n - 2) / rchisq(S, n - 2))
ll <- sapply(1:n, function(i) dnorm(y[i], b[1] + draws[, 1] + (b[2] + draws[, 2]) * x[i], sig, log = TRUE))
l <- suppressWarnings(loo(ll, r_eff = rep(1, n)))
w <- suppressWarnings(waic(ll))
e <- function(o) list(estimate = unname(o$estimates[, "Estimate"]), se = unname(o$estimates[, "SE"]))
write_json(list(draws = S, n = n, ll = ll,
  loo = c(e(l), list(elpd = l$pointwise[, "elpd_loo"], p = l$pointwise[, "p_loo"], khat = l$diagnostics$pareto_k, n_eff = l$diagnostics$n_eff)),
  waic = c(e(w), list(elpd = w$pointwise[, "elpd_waic"], p = w$pointwise[, "p_waic"]))),
  "loo.json", digits = I(17), auto_unbox = TRUE)
cat(sapply(out, function(o) sprintf("%s k=%.4f neff=%.1f\n", o$name, o$khat, o$n_eff)))
print(l); print(w); print(l$diagnostics$pareto_k)
