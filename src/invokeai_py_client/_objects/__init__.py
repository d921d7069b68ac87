"""What the objects that users hold have in common."""
