"""The web client as `towpath up` serves it: built assets, and Envoy in front of them and of the server."""

from __future__ import annotations

from towpath_local.web.assets import Asset, find_assets
from towpath_local.web.envoy import bootstrap
from towpath_local.web.front import Front, local_front

__all__ = ["Asset", "Front", "bootstrap", "find_assets", "local_front"]
