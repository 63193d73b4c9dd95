# CPU milliseconds of R's glm (formula and data frame in, fitted model out) and
# of glm.fit (design matrix in), medians over several runs, on the files that
# `go run ./bench/r` writes.
#
#   Rscript bench/r/glm.R DIR

args <- commandArgs(trailingOnly = TRUE)
if (length(args) != 1) stop("usage: Rscript glm.R DIR")

# Median CPU milliseconds of one call, a run being as many calls as take about
# 0.2 s: the clock ticks in milliseconds.
timed <- function(f, runs = 7) {
  cpu <- function(n) { t <- proc.time(); for (i in seq_len(n)) f(); sum((proc.time() - t)[1:2]) }
  f()
  n <- 1
  while (cpu(n) < 0.1 && n < 1000) n <- 2 * n
  1000 * median(replicate(runs, cpu(n))) / n
}

cat("| set | rows | coefficients | iterations | glm, ms | glm.fit, ms |\n|---|---|---|---|---|---|\n")
for (info in list.files(args[1], "\\.txt$", full.names = TRUE)) {
  lines <- readLines(info)
  names <- lines[-1]
  bin <- sub("\\.txt$", ".bin", info)
  values <- readBin(bin, "double", file.size(bin) / 8, endian = "little")
  data <- as.data.frame(matrix(values, ncol = length(names), dimnames = list(NULL, names)))
  fam <- get(lines[1])
  x <- cbind(1, as.matrix(data[names != "y"]))
  y <- data$y
  m <- glm(y ~ ., data = data, family = fam())
  cat(sprintf("| %s | %d | %d | %d | %.3g | %.3g |\n", sub("\\.txt$", "", basename(info)), nrow(x), ncol(x), m$iter,
    timed(function() glm(y ~ ., data = data, family = fam())),
    timed(function() glm.fit(x, y, family = fam()))))
}
