#!/usr/bin/env bash
# Compares the protos with those of main, so that no change breaks a released connector.
set -euo pipefail
cd "$(dirname "$0")/.."
base=$(git merge-base HEAD origin/main 2>/dev/null || true)
if [ -z "$base" ] || [ "$base" = "$(git rev-parse HEAD)" ]; then
    base=$(git rev-parse --verify --quiet HEAD~1 || true)
fi
if [ -z "$base" ] || ! git cat-file -e "$base:buf.yaml" 2>/dev/null; then
    echo "check-breaking: no earlier commit holds protos to compare with"
    exit 0
fi
buf breaking --against ".git#ref=$base"
