"""The files of a sweep: its lock, its outputs, its manifests.

May use `planning` and `ledger`.
"""
