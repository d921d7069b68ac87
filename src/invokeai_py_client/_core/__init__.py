"""The decisions of the client: no I/O, no clock, no threads."""
