#!/usr/bin/env bash
# Installs what the tests need beyond Python packages, and says what it could not.
#   postgresql: a server with TLS, which the wheel's server lacks. No cluster is made and no service is started.
#   chromium: the browser of the tests of the web client; without its windows, where that is a package of its own.
#   nodejs, npm: for the connectors in TypeScript, which show that the protocol is nobody's language. What is on PATH will do.
#   docker.io, iptables: an engine for connectors in containers. Tests start one of their own where none runs; no service is started.
set -euo pipefail
cd "$(dirname "$0")/.."

as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo -n)

if ! compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; then
    echo "system-packages: installing postgresql (for the TLS tests)"
    if "${as_root[@]}" mkdir -p /etc/postgresql-common 2>/dev/null && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        echo 'create_main_cluster = false' | "${as_root[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
    fi
    scripts/apt-install.sh postgresql || {
        echo "system-packages: postgresql could not be installed; the TLS tests are skipped, and fail in CI" >&2
    }
fi

missing=()
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
if [ ${#missing[@]} -gt 0 ]; then
    echo "system-packages: installing ${missing[*]} (for the connectors in TypeScript)"
    scripts/apt-install.sh "${missing[@]}" || {
        echo "system-packages: ${missing[*]} could not be installed; the tests in TypeScript are skipped, and fail in CI" >&2
    }
fi

if ! PATH=$PATH:/usr/sbin:/sbin command -v dockerd >/dev/null; then
    echo "system-packages: installing docker.io (for connectors in containers)"
    # A package's script asks policy-rc.d before it starts a service; a machine without one would get a running engine.
    if [ ! -e /usr/sbin/policy-rc.d ] && printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee /usr/sbin/policy-rc.d >/dev/null 2>&1; then
        "${as_root[@]}" chmod 755 /usr/sbin/policy-rc.d
        trap '"${as_root[@]}" rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    scripts/apt-install.sh docker.io iptables || {
        echo "system-packages: docker.io could not be installed; the tests with containers are skipped, and fail in CI" >&2
    }
fi

if ! command -v chromium-headless-shell >/dev/null && ! command -v chromium >/dev/null; then
    echo "system-packages: installing chromium (for the tests of the web client)"
    scripts/apt-install.sh chromium-headless-shell || scripts/apt-install.sh chromium || {
        echo "system-packages: chromium could not be installed; the tests of the web client are skipped, and fail in CI" >&2
    }
fi
