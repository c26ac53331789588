"""A source that makes its rows up: seeded, any number, all types."""
