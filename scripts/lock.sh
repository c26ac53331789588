#!/usr/bin/env bash
# Writes requirements.lock: every package with its hashes, for all platforms, without the names of registries.
# uv.lock, which does name them, stays out of the repository.
set -euo pipefail
cd "$(dirname "$0")/.."
exec 9>.venv.lock
flock 9
.venv/bin/uv lock --quiet ${UPGRADE:+--upgrade}
.venv/bin/uv export --quiet --frozen --no-emit-workspace --all-packages --all-groups --no-header --no-annotate -o requirements.lock >/dev/null
echo "lock: $(grep -c '==' requirements.lock) packages"
