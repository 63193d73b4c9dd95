// Package kernel is the module of the notebook kernel: build.sh makes it, run.sh runs
// the example notebooks under Jupyter.
package kernel
