"""Sweeps shown: the labelled grid, the gallery, rows of a table. Pure but for files.

May use the rooms before it.
"""
