"""The subcommands: each joins the client, pipeline files and rendering."""
