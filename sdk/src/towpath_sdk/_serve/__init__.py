"""The server around a connector: one asyncio loop for the wire, one thread per call for the author's code."""
