"""Text that is not ours, on its way to a terminal, a log or an error message."""
