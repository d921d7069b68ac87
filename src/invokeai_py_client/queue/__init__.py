"""The session queue: what runs, what waits, what is in the way."""
