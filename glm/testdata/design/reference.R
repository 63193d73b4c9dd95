# Writes reference.json: model matrices of R's model.frame and model.matrix.
# Run in this directory: Rscript reference.R
library(jsonlite)
d <- data.frame(
  y = c(1.5, 2.25, 0.5, 4, 3.75, 2, 6.5, 1, 0.25, 3, 5.5, 2.5),
  x = c(0.5, 1.25, 2, 3.5, 1, 0.75, 4.25, 2.5, 3, 1.5, 0.25, 5),
  z = c(3952, 3970, 4013, 3999, 4000, 3960, 3981, 3975, 3990, 4005, 3966, 3955),
  k = c(10, 2, 3, 10, 2, 3, 2, 10, 3, 3, 2, 10),
  e = c(1, 2, 4, 8, 3, 5, 7, 2, 9, 6, 1, 2),
  f = c("b", "a", "c", "a", "b", "c", "c", "a", "b", "a", "c", "b"),
  g = c("u", "v", "v", "u", "v", "u", "v", "v", "u", "u", "u", "v"),
  stringsAsFactors = TRUE)
formulas <- c(
  "y ~ x + z", "y ~ x * f", "y ~ f - 1", "y ~ 0 + f + g", "y ~ f * g", "y ~ f:g - 1",
  "y ~ x:f", "y ~ x + x:f + g", "y ~ (x + f + g)^2", "y ~ (x + f + g)^3 - f:g", "y ~ f/x",
  "y ~ g:f + f", "y ~ f:g + g:x", "y ~ log(x) + I(x^2) + sqrt(z)", "y ~ I((x + 2 * e) / z - -x^2) + exp(-x)",
  "y ~ scale(x) + factor(k)", "y ~ factor(k) * x - x", "log(y) ~ . - z - k", "y ~ x + g + offset(log(e))",
  "y ~ x + f + 1 - 1 + x + f:x + 0", "y ~ (f + g) * x - g:x", "y ~ f * x * g", "y ~ e:z + x:z + z")
cases <- lapply(formulas, function(s) {
  fo <- as.formula(s)
  mf <- model.frame(fo, d)
  tt <- attr(mf, "terms")
  m <- model.matrix(tt, mf)
  o <- model.offset(mf)
  list(formula = s, cols = ncol(m), assign = as.integer(attr(m, "assign")), terms = as.list(attr(tt, "term.labels")),
       x = unname(as.numeric(t(m))), y = unname(as.numeric(model.response(mf))),
       offset = if (is.null(o)) list() else as.numeric(o))
})
for (n in c("f", "g")) d[[n]] <- as.character(d[[n]])
write(toJSON(list(source = R.version.string, frame = as.list(d), cases = cases), auto_unbox = TRUE, digits = NA), "reference.json")
