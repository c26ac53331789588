"""Temporal behind the port `towpath_server.use_cases.orchestrator`."""
