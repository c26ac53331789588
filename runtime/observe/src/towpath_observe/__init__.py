"""What every process shows of itself over plain HTTP: metrics, health, readiness. Off unless an address is given."""

from towpath_observe.window import Window, open_window

__all__ = ["Window", "open_window"]
