#!/usr/bin/env bash
# Builds the notebook kernel into _build/kernels/gophernotes: the program gophernotes,
# as it is pinned in go.mod, with the toolkit of this checkout and what notebooks use
# beside it linked in. Needs Go and, the first time, the module proxy.
set -euo pipefail
cd "$(dirname "$0")"
export CGO_ENABLED=0

src=_build/src
kernel=_build/kernels/gophernotes
rm -rf "$src"
mkdir -p "$src" "$kernel"

# gophernotes is a package main: its sources can be copied, not imported. Our main.go
# takes the place of its own.
go mod download github.com/gopherdata/gophernotes
from=$(go list -m -f '{{.Dir}}' github.com/gopherdata/gophernotes)
for f in "$from"/*.go; do
	case $f in *_test.go) ;; *) install -m 644 "$f" "$src" ;; esac
done
install -m 644 overlay/main.go "$src"

go run ./symgen -o "$src/symbols.go" $(go list -f '{{join .Imports " "}}' ./pins)
go build -tags notebookkernel -ldflags="-s -w" -o "$kernel/gophernotes" "./$src"
install -m 644 kernel.json "$kernel"
