#!/usr/bin/env bash
# `make test`: everything that continuous integration checks, in the order in which it fails fastest.
set -euo pipefail
cd "$(dirname "$0")/.."
began=$SECONDS
make --no-print-directory setup
scripts/system-packages.sh
make --no-print-directory lint
make --no-print-directory types
# Tests wait for servers more than they compute: four at a time on two cores, each file's tests in one process.
pytest -n 4 --dist loadfile ${PYTEST_ARGS:-}
echo "make test took $(( (SECONDS - began) / 60 )) min $(( (SECONDS - began) % 60 )) s"
