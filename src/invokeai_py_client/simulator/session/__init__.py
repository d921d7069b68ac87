"""One run of a graph: which node is next, with which inputs.

May use `base` and `graphs`.
"""
