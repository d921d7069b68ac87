"""Models installed on the server."""
