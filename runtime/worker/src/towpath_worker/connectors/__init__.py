"""Running connectors as the worker talks to them: launched, shaken hands with, their failures located and redacted."""

from towpath_worker.connectors.connector import Connector, connected

__all__ = ["Connector", "connected"]
