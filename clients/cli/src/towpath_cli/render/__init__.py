"""What people and programs see. Nothing in here calls the server."""
