#!/usr/bin/env bash
# `make test`: everything that continuous integration checks, in the order in which it fails fastest.
set -euo pipefail
cd "$(dirname "$0")/.."
began=$SECONDS
# Hundreds of processes are started, and each would compile its modules anew where bytecode is not kept.
unset PYTHONDONTWRITEBYTECODE
make --no-print-directory setup
scripts/system-packages.sh
make --no-print-directory lint
make --no-print-directory types
make --no-print-directory web-build web-check
if [ -n "${PYTEST_ARGS:-}" ]; then
    pytest -n 3 --dist loadfile ${PYTEST_ARGS}
else
    # Tests wait for servers more than they compute: three at a time on two cores, each file's tests in one process.
    # Files begin in the order of tests/conftest.py, the longest first, so that none is left to run alone at the end.
    pytest -n 3 --dist loadfile --no-loadscope-reorder --ignore tests/conformance/test_mutants.py
    # Broken connectors are judged by time and memory too, so nothing else runs beside them.
    pytest -n 2 tests/conformance/test_mutants.py
fi
echo "make test took $(( (SECONDS - began) / 60 )) min $(( (SECONDS - began) % 60 )) s"
