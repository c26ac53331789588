"""The metadata database: SQLite on one machine, PostgreSQL for several servers. Nothing else in Towpath touches it."""
