#!/usr/bin/env bash
# Installs Debian packages when it may: as root, or by sudo without a password. Exits 1 when it may not or cannot.
# Another installation that is under way is waited for.
set -euo pipefail
as_root=()
if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null || { echo "apt-install: not root and no passwordless sudo" >&2; exit 1; }
    as_root=(sudo -n)
fi
command -v apt-get >/dev/null || { echo "apt-install: no apt-get on this system" >&2; exit 1; }
export DEBIAN_FRONTEND=noninteractive
install() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" >/dev/null; }
install "$@" 2>/dev/null || { "${as_root[@]}" apt-get update -qq >/dev/null && install "$@"; }
