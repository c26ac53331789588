"""What of `towpath_sdk.traces` needs OpenTelemetry, and is only imported when traces are on."""
