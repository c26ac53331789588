"""`towpath envoy-config`, the command."""

from __future__ import annotations

import json
from pathlib import Path

import click
from towpath_cli.session import Session, with_session
from towpath_sdk.errors import Misconfigured

from towpath_local.web.assets import find_assets
from towpath_local.web.envoy import bootstrap
from towpath_local.web.front import Front

__all__ = ["envoy_config"]

_file = click.Path(path_type=Path)


@click.command("envoy-config")
@click.option("--listen", default="0.0.0.0:8443", show_default=True, help="HOST:PORT that Envoy listens on.")
@click.option("--upstream", "servers", multiple=True, required=True, help="HOST:PORT of a server; may be repeated.")
@click.option("--name", "names", multiple=True, required=True, help="Host name by which callers come; may be repeated.")
@click.option("--tls-cert-file", type=_file, help="Certificate chain for callers, in PEM, where Envoy finds it.")
@click.option("--tls-key-file", type=_file, help="Its private key, in PEM, where Envoy finds it.")
@click.option(
    "--upstream-ca-file",
    "server_ca_file",
    type=_file,
    help="Speak TLS to the servers, whose certificates this PEM file signed.",
)
@click.option("--for-workers", is_flag=True, help="Let workers reach the servers by this address, too.")
@with_session
def envoy_config(
    session: Session,
    listen: str,
    servers: tuple[str, ...],
    names: tuple[str, ...],
    tls_cert_file: Path | None,
    tls_key_file: Path | None,
    server_ca_file: Path | None,
    for_workers: bool,  # noqa: FBT001 a flag of the command line
) -> None:
    """Print Envoy's configuration for a deployment: the web client, grpc-web and gRPC on one address.

    Files are named as Envoy will find them; they are not read here. Servers that are named alike share the load. Give
    the output to `envoy --config-path`.

    \b
    towpath envoy-config --name towpath.example.com --upstream server-1:7070 --upstream server-2:7070 \\
        --tls-cert-file /tls/tls.crt --tls-key-file /tls/tls.key --upstream-ca-file /tls/ca.crt > envoy.json
    """
    for address in (listen, *servers):
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit():
            raise Misconfigured(f"`{address}` is not an address; write HOST:PORT, such as server-1:7070")
    if (tls_cert_file is None) != (tls_key_file is None):
        raise Misconfigured("TLS for callers needs both --tls-cert-file and --tls-key-file")
    assets = find_assets()
    if not assets:
        session.note("the web client is not built, and left out; in a checkout, run: make web-build")
    front = Front(listen, servers, names, tls_cert_file, tls_key_file, server_ca_file, for_workers)
    click.echo(json.dumps(bootstrap(assets, front), indent=2))
