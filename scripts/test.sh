#!/usr/bin/env bash
# `make test`: everything that continuous integration checks.
set -euo pipefail
cd "$(dirname "$0")/.."
began=$SECONDS
readonly sixteen_gib=$(( 16 << 20 )) # in KiB

# Hundreds of processes are started, and each would compile its modules anew where bytecode is not kept.
unset PYTHONDONTWRITEBYTECODE
scripts/system-packages.sh &
make --no-print-directory setup
wait $!
readonly roomy=NODE_OPTIONS=--max-semi-space-size=64 # or V8 looks for garbage all the time
env $roomy make --no-print-directory web-build

# Style, types, and what the web client checks of itself, take more than half a minute of both processors. They get what
# the tests leave of them, which wait for servers now and then. Their errors are shown at once, and fail the run.
scripts/leftover.sh env $roomy make --no-print-directory --jobs=2 --output-sync=target lint types web-check &
checks=$! folder=
trap 'leave $?' EXIT

# Nothing is left behind: no check, and nothing of what was kept in memory; of a run that failed, its logs stay.
leave() {
    [ -z "$(jobs -rp)" ] || kill -- -"$checks" 2>/dev/null || true # its number may be another's once it has ended
    [ -n "$folder" ] || return 0
    if [ "$1" != 0 ]; then
        mkdir -p build
        (cd "$folder" && find . -name '*.log' -print0 | tar --null --files-from - -czf -) >build/test-logs.tar.gz
        echo "the servers' logs: build/test-logs.tar.gz" >&2
    fi
    scripts/remove-run.sh "$folder"
}

# Thousands of databases and files are made and thrown away: in memory, where there is plenty of it, because there a
# database is made in a tenth of the time. Chosen files (PYTEST_ARGS) leave theirs in the usual place, to be looked at.
places=()
for owner in /dev/shm/t-*/owner; do # of a run that was killed
    kill -0 "$(cat "$owner" 2>/dev/null)" 2>/dev/null || scripts/remove-run.sh "$(dirname "$owner")"
done
available=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo 2>/dev/null || true)
room=$(df --output=avail /dev/shm 2>/dev/null | tail -n 1 || true)
if [ -z "${PYTEST_ARGS:-}${TMPDIR:-}" ] && [ "${available:-0}" -ge $sixteen_gib ] && [ "${room:-0}" -ge $sixteen_gib ]; then
    folder=$(mktemp -d /dev/shm/t-XXXXXX)
    export TMPDIR=$folder
    echo $$ >"$folder/owner"
    places=(--basetemp "$folder/p" --override-ini tmp_path_retention_policy=failed)
fi

# Tests wait for servers as much as they compute: three at a time on two cores.
at_once=$(( $(nproc) + ($(nproc) + 1) / 2 ))
if [ -n "${PYTEST_ARGS:-}" ]; then
    pytest -n $at_once --dist loadfile ${PYTEST_ARGS}
    wait $checks
else
    # Each file's tests in one process. Files begin in the order of tests/conftest.py, the longest first, so that none
    # is left to run alone at the end.
    pytest -n $at_once --dist loadfile --no-loadscope-reorder --ignore tests/conformance/test_mutants.py "${places[@]}"
    wait $checks
    # Broken connectors are judged by time and memory too, so nothing else runs beside them. More of these tests wait.
    pytest -n $(( at_once + 1 )) tests/conformance/test_mutants.py "${places[@]}"
fi
echo "make test took $(( (SECONDS - began) / 60 )) min $(( (SECONDS - began) % 60 )) s"
