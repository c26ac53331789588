"""The web client as `towpath up` serves it: built assets, and Envoy in front of them and of the server."""

from __future__ import annotations

from towpath_local.web.assets import Asset, find_assets
from towpath_local.web.envoy import bootstrap

__all__ = ["Asset", "bootstrap", "find_assets"]
