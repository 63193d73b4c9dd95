#!/usr/bin/env bash
# Builds the kernel, runs notebooks under Jupyter without a browser, and checks what
# they give against what is stored.
#
#   run.sh [BOOK...]       default: all of examples/notebooks
#   run.sh -w [BOOK...]    stores outputs instead (needs no Jupyter)
set -euo pipefail
root=$(cd "$(dirname "$0")" && pwd)
write=
if [ "${1-}" = -w ]; then write=1; shift; fi
if [ $# = 0 ]; then set -- "$root"/../notebooks/*.ipynb; fi

"$root/build.sh"
kernel=$root/_build/kernels/gophernotes/gophernotes
if [ -n "$write" ]; then exec "$kernel" run -w "$@"; fi

# Debian's Jupyter without its own kernels, pandoc and the like. No Jupyter, no check.
if ! jupyter nbconvert --version >/dev/null 2>&1; then
	echo "Jupyter is not installed; installing jupyter-nbconvert and jupyter-client"
	as_root=
	[ "$(id -u)" = 0 ] || as_root=sudo
	export DEBIAN_FRONTEND=noninteractive
	if ! { $as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends jupyter-nbconvert jupyter-client >/dev/null; }; then
		echo "CANNOT RUN NOTEBOOKS: apt-get could not install Jupyter, which they need (jupyter nbconvert)" >&2
		exit 1
	fi
fi

out=$root/_build/run
rm -rf "$out"
export JUPYTER_PATH=$root/_build
for book in "$@"; do
	start=$(date +%s.%N)
	jupyter nbconvert --log-level WARN --to notebook --execute --output-dir "$out" \
		--ExecutePreprocessor.timeout=120 --ExecutePreprocessor.record_timing=False \
		--ExecutePreprocessor.kernel_name=gophernotes "$book"
	"$kernel" check "$out/$(basename "$book")" "$book"
	printf '%s: ok, %.1f s\n' "$(basename "$book")" "$(echo "$(date +%s.%N) $start" | awk '{print $1 - $2}')"
done
