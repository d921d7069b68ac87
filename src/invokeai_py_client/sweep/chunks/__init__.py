"""From items to batches: what is sent of a plan, checked.

May use `planning`.
"""
