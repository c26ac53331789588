#!/usr/bin/env bash
# `make test`: everything that continuous integration checks, in the order in which it fails fastest.
set -euo pipefail
cd "$(dirname "$0")/.."
began=$SECONDS
readonly sixteen_gib=$(( 16 << 20 )) # in KiB

# What was kept in memory goes; of a run that failed, its logs stay.
clear_up() {
    if [ "$1" != 0 ]; then
        mkdir -p build
        (cd "$TMPDIR" && find . -name '*.log' -print0 | tar --null --files-from - -czf -) >build/test-logs.tar.gz
        echo "the servers' logs: build/test-logs.tar.gz" >&2
    fi
    scripts/remove-run.sh "$TMPDIR"
}

# Hundreds of processes are started, and each would compile its modules anew where bytecode is not kept.
unset PYTHONDONTWRITEBYTECODE
scripts/system-packages.sh &
make --no-print-directory setup
wait $!
NODE_OPTIONS=--max-semi-space-size=64 make --no-print-directory --jobs=3 --output-sync=target lint types web-build web-check

# Thousands of databases and files are made and thrown away: in memory, where there is plenty of it, because there a
# database is made in a tenth of the time. Chosen files (PYTEST_ARGS) leave theirs in the usual place, to be looked at.
places=()
for owner in /dev/shm/t-*/owner; do # of a run that was killed
    kill -0 "$(cat "$owner" 2>/dev/null)" 2>/dev/null || scripts/remove-run.sh "$(dirname "$owner")"
done
available=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo 2>/dev/null || true)
room=$(df --output=avail /dev/shm 2>/dev/null | tail -n 1 || true)
if [ -z "${PYTEST_ARGS:-}${TMPDIR:-}" ] && [ "${available:-0}" -ge $sixteen_gib ] && [ "${room:-0}" -ge $sixteen_gib ]; then
    TMPDIR=$(mktemp -d /dev/shm/t-XXXXXX)
    export TMPDIR
    echo $$ >"$TMPDIR/owner"
    trap 'clear_up $?' EXIT
    places=(--basetemp "$TMPDIR/p" --override-ini tmp_path_retention_policy=failed)
fi

if [ -n "${PYTEST_ARGS:-}" ]; then
    pytest -n 3 --dist loadfile ${PYTEST_ARGS}
else
    # Tests wait for servers as much as they compute: three at a time on two cores, each file's tests in one process.
    # Files begin in the order of tests/conftest.py, the longest first, so that none is left to run alone at the end.
    cores=$(nproc)
    pytest -n $(( cores + (cores + 1) / 2 )) --dist loadfile --no-loadscope-reorder --ignore tests/conformance/test_mutants.py "${places[@]}"
    # Broken connectors are judged by time and memory too, so nothing else runs beside them.
    pytest -n $(( cores + (cores + 1) / 2 )) tests/conformance/test_mutants.py "${places[@]}"
fi
echo "make test took $(( (SECONDS - began) / 60 )) min $(( (SECONDS - began) % 60 )) s"
