"""Graphs, batches and node types as the API takes them, checked as the server does.

May use `base`.
"""
