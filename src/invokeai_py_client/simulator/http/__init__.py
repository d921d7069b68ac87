"""Requests, replies and events in the shapes that the server uses.

May use every room from `base` to `queue`, and `simulation.py`.
"""
