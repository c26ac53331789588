"""Between Python values and messages of towpath.connector.v1; the only place that knows both."""
