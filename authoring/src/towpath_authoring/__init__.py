"""The inner loop of a connector's author: start one, run it, read its rows."""
