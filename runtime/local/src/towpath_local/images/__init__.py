"""Images without a registry: a base that is this machine's Python, and this repository's connectors on top of it."""

from towpath_local.images.base import BASE_IMAGE, import_base

__all__ = ["BASE_IMAGE", "import_base"]
