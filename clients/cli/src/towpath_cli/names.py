"""Names as people type them: `shop` for `connections/shop`, `public.orders` for a stream."""

from __future__ import annotations

from collections.abc import Iterable

from towpath.connector.v1.types_pb2 import StreamName
from towpath_sdk.errors import Misconfigured, NotFound

__all__ = ["parse_stream", "pick_streams", "resource_name", "short_name", "stream_text"]


def resource_name(collection: str, name: str) -> str:
    """Return the resource name for an id or a resource name: `shop` and `connections/shop` are the same.

    Raises Misconfigured when the name is empty or belongs to another collection.
    """
    prefix, slash, rest = name.partition("/")
    if not slash and prefix:
        return f"{collection}/{prefix}"
    if prefix == collection and rest:
        return name
    raise Misconfigured(f"`{name}` is no name in {collection}; write `{collection}/ID` or the ID alone")


def short_name(name: str) -> str:
    """Return the id alone."""
    return name.rpartition("/")[2]


def stream_text(name: StreamName) -> str:
    """Return `namespace.name`, or the name alone when there is no namespace."""
    return f"{name.namespace}.{name.name}" if name.namespace else name.name


def parse_stream(text: str) -> StreamName:
    """Split at the first dot; a text without a dot has no namespace. Raises Misconfigured when a part is empty."""
    namespace, dot, name = text.partition(".")
    if not dot:
        namespace, name = "", text
    if not name or (dot and not namespace):
        raise Misconfigured(f"`{text}` is no stream; write NAMESPACE.NAME, such as public.orders")
    return StreamName(namespace=namespace, name=name)


def pick_streams(known: Iterable[StreamName], wanted: Iterable[str]) -> list[StreamName]:
    """Find streams by their text among those of a connection, dots inside names included.

    Raises NotFound with the choices when one is not there.
    """
    by_text = {stream_text(name): name for name in known}
    missing = [text for text in wanted if text not in by_text]
    if missing:
        raise NotFound(f"there is no stream `{missing[0]}`; choose out of: {', '.join(sorted(by_text)) or 'none'}")
    return [by_text[text] for text in wanted]
