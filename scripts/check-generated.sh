#!/usr/bin/env bash
# Generates into a temporary folder and compares with what is committed.
set -euo pipefail
cd "$(dirname "$0")/.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
buf generate --output "$fresh"
if ! diff -r -x __pycache__ "$fresh/proto/gen/python/towpath" proto/gen/python/towpath >/dev/null; then
    echo "check-generated: the generated code is not what the protos say; run 'make generate' and commit the result" >&2
    diff -rq -x __pycache__ "$fresh/proto/gen/python/towpath" proto/gen/python/towpath >&2 || true
    exit 1
fi
