"""The queue and the worker that runs its jobs.

May use every room from `base` to `nodes`.
"""
