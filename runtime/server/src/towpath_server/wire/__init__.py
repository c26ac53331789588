"""Messages of the API to what the use cases speak of, and back. Nothing else reads or writes protobuf."""
