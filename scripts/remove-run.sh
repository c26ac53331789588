#!/usr/bin/env bash
# Remove the folder of a test run, also one that was killed: what its Docker engine mounted in it is unmounted first.
# Says what it had to leave, and succeeds all the same: the next run makes a folder of its own.
set -uo pipefail
folder=$(realpath --canonicalize-existing "${1:-}" 2>/dev/null) || exit 0
tac /proc/self/mounts | while read -r _ place _; do
    place=$(printf '%b' "${place//\\/\\0}") # a space is written \040
    [[ $place == "$folder"/* ]] && umount --lazy "$place" 2>/dev/null
done
rm -rf "$folder" 2>/dev/null || echo "left behind of an earlier run, as something is still mounted there: $folder" >&2
