#!/usr/bin/env bash
# Installs what the tests need beyond Python packages, and says what it could not.
#   postgresql: a server with TLS, which the wheel's server lacks. No cluster is made and no service is started.
set -euo pipefail
cd "$(dirname "$0")/.."

if compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; then
    exit 0
fi
echo "system-packages: installing postgresql (for the TLS tests)"
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo -n)
if "${as_root[@]}" mkdir -p /etc/postgresql-common 2>/dev/null && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    echo 'create_main_cluster = false' | "${as_root[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
fi
scripts/apt-install.sh postgresql || {
    echo "system-packages: postgresql could not be installed; the TLS tests are skipped, and fail in CI" >&2
    exit 0
}
