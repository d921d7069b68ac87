"""Exactly-once submission: prepare, enqueue, find again.

May use every room above.
"""
