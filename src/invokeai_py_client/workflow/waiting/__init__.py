"""Waiting until jobs are over: progress, stalls, results.

May use `jobs` and `results`.
"""
