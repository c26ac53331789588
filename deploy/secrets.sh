#!/usr/bin/env bash
# Writes what deploy/compose.yaml reads, into deploy/secrets: an authority and a certificate, the encryption key, tokens, and
# the database's password. What is there already stays: run it again after an update. For more than a trial, put a
# certificate of your own in the place of tls.crt and tls.key, and its authority in that of ca.crt.
#   deploy/secrets.sh [HOST NAME BY WHICH CALLERS COME]
set -euo pipefail
cd "$(dirname "$0")"
name=${1:-localhost}
umask 077
mkdir -p secrets
cd secrets

made() { echo "secrets: made $1"; }
random() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; echo; }

if [ ! -e ca.crt ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 3650 -subj "/CN=Towpath's own authority" \
        -keyout ca.key -out ca.crt 2>/dev/null
    made ca.crt
fi
if [ ! -e tls.crt ]; then
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -subj "/CN=$name" -keyout tls.key -out tls.csr 2>/dev/null
    openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 825 -out tls.crt \
        -extfile <(printf 'subjectAltName=DNS:%s,DNS:server\nextendedKeyUsage=serverAuth\n' "$name") 2>/dev/null
    rm -f tls.csr
    made tls.crt
fi
for file in tokens worker-tokens postgres-password; do
    [ -e "$file" ] || { random >"$file"; made "$file"; }
done
if [ ! -e keys ]; then
    { head -c 32 /dev/urandom | base64 | tr '+/' '-_'; } >keys
    made keys
fi
if [ ! -e pgpass ]; then
    printf 'metadata:5432:*:towpath:%s\n' "$(cat postgres-password)" >pgpass
    made pgpass
fi
# Containers read them as user 10001, and nobody else does.
if ! chown 10001 ./* 2>/dev/null; then
    echo "secrets: they have to belong to user 10001 before the containers start: sudo chown 10001 deploy/secrets/*" >&2
fi
