"""The gRPC services: each method decodes, calls one use case, and encodes."""
