"""Run a connector over a real socket inside of a test, and speak to it synchronously, as the broker would.

    with connector_under_test(NumbersSource()) as connector:
        result = connector.read({"count": 3}, "numbers")
    assert result.rows == [{"n": 0}, {"n": 1}, {"n": 2}]

The connector runs in this process, so that tests can look at it and debuggers stop in it; between test and connector
lies the same gRPC as in production. `connector_process` starts a command instead, for what concerns the process:
signals, logs, exit codes. Failures are raised as the `TowpathError` that the broker would see.
"""

from __future__ import annotations

from towpath_sdk.testing.calls import ConnectorCalls, config_json
from towpath_sdk.testing.connector import ConnectorUnderTest, connector_under_test
from towpath_sdk.testing.process import ConnectorProcess, connector_process
from towpath_sdk.testing.raw_call import SteppedCall
from towpath_sdk.testing.reading import ReadResult, ReadSession, ReceivedCheckpoint
from towpath_sdk.testing.writing import WriteSession

__all__ = [
    "ConnectorCalls",
    "ConnectorProcess",
    "ConnectorUnderTest",
    "ReadResult",
    "ReadSession",
    "ReceivedCheckpoint",
    "SteppedCall",
    "WriteSession",
    "config_json",
    "connector_process",
    "connector_under_test",
]
