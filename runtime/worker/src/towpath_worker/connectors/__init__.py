"""Running connectors as the worker talks to them: launched, shaken hands with, their failures located and redacted."""

from towpath_worker.connectors.connector import Connector, connected
from towpath_worker.connectors.parking import Parking
from towpath_worker.connectors.together import together

__all__ = ["Connector", "Parking", "connected", "together"]
