#!/usr/bin/env bash
# Makes .venv and installs everything that requirements.lock pins. Does nothing when nothing changed.
# Needs python3 (3.11 or newer), or another as PYTHON, and, on Debian and Ubuntu, its venv package, which it installs when it may.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly UV_VERSION=0.13.9
readonly MEMBERS=(proto sdk conformance authoring runtime/contracts runtime/observe runtime/server runtime/worker runtime/local
    clients/cli connectors/source-postgres connectors/source-faker connectors/destination-s3 connectors/destination-local)

# The system's own Python first: distributions build theirs with the optimizations that a profile allows, version
# managers rarely do, and a loop in Python takes 1.7 times as long there.
able() { "$1" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
python=${PYTHON:-$(able /usr/bin/python3 && echo /usr/bin/python3 || echo python3)}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    echo "setup: Towpath needs Python 3.11 or newer as '$python'; set PYTHON=/path/to/python3.11" >&2
    exit 1
}

exec 9>.venv.lock
flock 9

stamp=$({ "$python" -V; echo "$UV_VERSION $PWD"; cat requirements.lock scripts/setup.sh; cat "${MEMBERS[@]/%//pyproject.toml}"; } | sha256sum)
if [ "$(cat .venv/stamp 2>/dev/null)" = "$stamp" ]; then
    exit 0
fi

make_venv() { "$python" -m venv .venv >/dev/null 2>&1 && .venv/bin/python -m pip --version >/dev/null 2>&1; }

if [ ! -x .venv/bin/python ] || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    echo "setup: making a virtual environment"
    if ! make_venv; then
        rm -rf .venv
        package="python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
        echo "setup: '$python' cannot make virtual environments; installing $package"
        scripts/apt-install.sh "$package" || {
            echo "setup: run 'apt-get install $package' as root, then this command again" >&2
            exit 1
        }
        make_venv || { echo "setup: '$python -m venv .venv' still fails; run it to see why" >&2; exit 1; }
    fi
fi

echo "setup: installing packages"
.venv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION" 2>&1 | { grep -v '^WARNING' || true; }
export VIRTUAL_ENV=$PWD/.venv
.venv/bin/uv pip install --quiet --compile-bytecode --require-hashes -r requirements.lock
.venv/bin/uv pip install --quiet --no-deps --no-build-isolation "${MEMBERS[@]/#/--editable=}"
printf '%s\n' "$stamp" >.venv/stamp
echo "setup: done"
