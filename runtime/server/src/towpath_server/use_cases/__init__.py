"""What the server does for users and workers. Speaks of databases and Temporal only through the ports."""
