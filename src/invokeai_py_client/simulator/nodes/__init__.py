"""What each node computes.

May use every room from `base` to `program`.
"""
