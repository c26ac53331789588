"""Envoy's configuration: one address for the web client and for grpc-web, in front of the gRPC server.

The assets are direct responses out of Envoy's memory, so that no second web server is needed. Whoever calls by another
host name than this machine's own is refused: a page elsewhere that points its own name at the loopback address
(DNS rebinding) must not reach a server that asks for no token.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from towpath_local.embedded.ports import LOOPBACK
from towpath_local.web.assets import Asset

__all__ = ["CONTENT_SECURITY_POLICY", "bootstrap"]

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}

_TYPE = "type.googleapis.com/envoy.extensions"
_IDLE = "3600s"
"""A stream of a job that waits may say nothing for long."""

_LARGEST_ASSET = 8 * 1024 * 1024


def bootstrap(assets: Sequence[Asset], port: int, server_port: int) -> dict[str, Any]:
    """Return the configuration, as JSON values, for Envoy on `port`, with the gRPC server on `server_port`."""
    return {
        "node": {"id": "towpath-web", "cluster": "towpath"},
        "static_resources": {
            "listeners": [
                {
                    "name": "web",
                    "address": _address(port),
                    "filter_chains": [{"filters": [_named("http_connection_manager", "network", _manager(assets))]}],
                }
            ],
            "clusters": [_server(server_port)],
        },
    }


def _manager(assets: Sequence[Asset]) -> dict[str, Any]:
    return {
        "@type": f"{_TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "web",
        "stream_idle_timeout": _IDLE,
        "common_http_protocol_options": {"idle_timeout": _IDLE},
        "server_header_transformation": "PASS_THROUGH",
        "http_filters": [
            {"name": "grpc_web", "typed_config": {"@type": f"{_TYPE}.filters.http.grpc_web.v3.GrpcWeb"}},
            {"name": "compressor", "typed_config": _compressor()},
            {"name": "router", "typed_config": {"@type": f"{_TYPE}.filters.http.router.v3.Router"}},
        ],
        "route_config": {
            "max_direct_response_body_size_bytes": _LARGEST_ASSET,
            "response_headers_to_add": _set_headers(_HEADERS),
            "virtual_hosts": [
                {
                    "name": "here",
                    "domains": ["localhost", "localhost:*", LOOPBACK, f"{LOOPBACK}:*", "[::1]", "[::1]:*"],
                    "routes": [*_to_server(), *_to_assets(assets)],
                },
                {
                    "name": "elsewhere",
                    "domains": ["*"],
                    "routes": [_answer({"prefix": "/"}, 421, "This server answers to localhost and 127.0.0.1 only.\n")],
                },
            ],
        },
    }


def _to_server() -> Iterable[dict[str, Any]]:
    for service in ("/towpath.control.v1.", "/grpc.health.v1."):
        yield {
            "match": {"prefix": service},
            # Streams last as long as a job does; what is unary has the client's deadline.
            "route": {
                "cluster": "server",
                "timeout": "0s",
                "idle_timeout": _IDLE,
                "max_stream_duration": {"grpc_timeout_header_max": "0s"},
            },
        }


def _to_assets(assets: Sequence[Asset]) -> Iterable[dict[str, Any]]:
    for asset in assets:
        if asset.url != "/index.html":
            yield _file({"path": asset.url}, asset)
    # A file that is gone after an update must not be answered with a page.
    yield _answer({"prefix": "/assets/"}, 404, "Not found.\n")
    yield from (_file({"prefix": "/"}, asset) for asset in assets if asset.url == "/index.html")


def _file(match: dict[str, str], asset: Asset) -> dict[str, Any]:
    caching = "public, max-age=31536000, immutable" if asset.immutable else "no-cache"
    return {
        "match": match,
        "direct_response": {"status": 200, "body": {"filename": str(asset.file)}},
        "response_headers_to_add": _set_headers({"content-type": asset.media_type, "cache-control": caching}),
    }


def _answer(match: dict[str, str], status: int, text: str) -> dict[str, Any]:
    return {"match": match, "direct_response": {"status": status, "body": {"inline_string": text}}}


def _set_headers(headers: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
        for key, value in headers.items()
    ]


def _compressor() -> dict[str, Any]:
    gzip = {"@type": f"{_TYPE}.compression.gzip.compressor.v3.Gzip", "compression_level": "COMPRESSION_LEVEL_6"}
    return {
        "@type": f"{_TYPE}.filters.http.compressor.v3.Compressor",
        "compressor_library": {"name": "gzip", "typed_config": gzip},
    }


def _server(port: int) -> dict[str, Any]:
    http2 = {
        # A server that is frozen, not dead, must not hold streams for ever.
        "connection_keepalive": {"interval": "5s", "timeout": "5s"},
    }
    return {
        "name": "server",
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": "server",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(port)}}]}],
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": f"{_TYPE}.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": http2},
            }
        },
    }


def _named(name: str, kind: str, config: dict[str, Any]) -> dict[str, Any]:
    return {"name": f"envoy.filters.{kind}.{name}", "typed_config": config}


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": LOOPBACK, "port_value": port}}
