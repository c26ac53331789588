"""Envoy's configuration: one address for the web client, grpc-web and gRPC, in front of the servers.

The assets are direct responses out of Envoy's memory, so that no second web server is needed. Whoever calls by a host
name that was not given is refused: a page elsewhere that points its own name at the loopback address
(DNS rebinding) must not reach a server that asks for no token.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from towpath_local.web.assets import Asset
from towpath_local.web.front import Front

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

_TLS_HEADERS = {"strict-transport-security": "max-age=31536000"}

_SERVICES = ("/towpath.control.v1.", "/grpc.health.v1.")
_WORKERS_SERVICES = "/towpath.runtime.v1."

_TYPE = "type.googleapis.com/envoy.extensions"
_IDLE = "3600s"
"""A stream of a job that waits may say nothing for long."""

_LARGEST_ASSET = 8 * 1024 * 1024


def bootstrap(assets: Sequence[Asset], front: Front) -> dict[str, Any]:
    """Return Envoy's configuration, as JSON values."""
    return {
        "node": {"id": "towpath-web", "cluster": "towpath"},
        "static_resources": {
            "listeners": [
                {
                    "name": "web",
                    "address": _address(front.listen),
                    "filter_chains": [
                        {
                            "filters": [_named("http_connection_manager", "network", _manager(assets, front))],
                            **_callers_tls(front),
                        }
                    ],
                }
            ],
            "clusters": [_servers(front)],
        },
    }


def _manager(assets: Sequence[Asset], front: Front) -> dict[str, Any]:
    known = [domain for name in front.names for domain in (name, f"{name}:*")]
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
            "response_headers_to_add": _set_headers(_HEADERS | (_TLS_HEADERS if front.tls_cert_file else {})),
            "virtual_hosts": [
                {"name": "here", "domains": known, "routes": [*_to_servers(front), *_to_assets(assets)]},
                {
                    "name": "elsewhere",
                    "domains": ["*"],
                    "routes": [_answer({"prefix": "/"}, 421, f"This server answers to {', '.join(front.names)}.\n")],
                },
            ],
        },
    }


def _to_servers(front: Front) -> Iterable[dict[str, Any]]:
    for service in (*_SERVICES, *([_WORKERS_SERVICES] if front.for_workers else [])):
        yield {
            "match": {"prefix": service},
            "route": {
                "cluster": "servers",
                # Streams last as long as a job does; what is unary has the client's deadline.
                "timeout": "0s",
                "idle_timeout": _IDLE,
                "max_stream_duration": {"grpc_timeout_header_max": "0s"},
                # Only what no server can have begun: whether a call may be repeated is for its caller to know.
                "retry_policy": {
                    "retry_on": "connect-failure,refused-stream",
                    "num_retries": 3,
                    # At another server: the health check takes seconds to notice that this one is gone.
                    "host_selection_retry_max_attempts": 5,
                    "retry_host_predicate": [
                        {
                            "name": "envoy.retry_host_predicates.previous_hosts",
                            "typed_config": {"@type": f"{_TYPE}.retry.host.previous_hosts.v3.PreviousHostsPredicate"},
                        }
                    ],
                },
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


def _servers(front: Front) -> dict[str, Any]:
    http2 = {
        # A server that is frozen, not dead, must not hold streams for ever.
        "connection_keepalive": {"interval": "5s", "timeout": "5s"},
    }
    return {
        "name": "servers",
        "type": "STRICT_DNS",
        "dns_lookup_family": "ALL",
        "connect_timeout": "1s",
        # A name may stand for several servers: all of them are asked in turn.
        "load_assignment": {
            "cluster_name": "servers",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(server)}} for server in front.servers]}],
        },
        "health_checks": [
            {
                "timeout": "2s",
                "interval": "2s",
                "no_traffic_interval": "2s",
                "unhealthy_threshold": 2,
                "healthy_threshold": 1,
                "grpc_health_check": {},
            }
        ]
        if len(front.servers) > 1
        else [],
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": f"{_TYPE}.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": http2},
            }
        },
        **_servers_tls(front),
    }


def _callers_tls(front: Front) -> dict[str, Any]:
    if front.tls_cert_file is None:
        return {}
    pair = {"certificate_chain": _file_at(front.tls_cert_file), "private_key": _file_at(front.tls_key_file)}
    context = {
        "@type": f"{_TYPE}.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
            "tls_certificates": [pair],
        },
    }
    return {"transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": context}}


def _servers_tls(front: Front) -> dict[str, Any]:
    if front.server_ca_file is None:
        return {}
    context = {
        "@type": f"{_TYPE}.transport_sockets.tls.v3.UpstreamTlsContext",
        # The certificate has to name the server as it is named here.
        "auto_host_sni": True,
        "auto_sni_san_validation": True,
        "common_tls_context": {
            "alpn_protocols": ["h2"],
            "validation_context": {"trusted_ca": _file_at(front.server_ca_file)},
        },
    }
    return {"transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": context}}


def _file_at(path: Path | None) -> dict[str, str]:
    return {"filename": str(path)}


def _named(name: str, kind: str, config: dict[str, Any]) -> dict[str, Any]:
    return {"name": f"envoy.filters.{kind}.{name}", "typed_config": config}


def _address(address: str) -> dict[str, Any]:
    host, _, port = address.rpartition(":")
    return {"socket_address": {"address": host.strip("[]"), "port_value": int(port)}}
