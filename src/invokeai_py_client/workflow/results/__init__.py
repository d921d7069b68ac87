"""From the sessions of finished jobs to results.

May use `jobs` and the rooms from `document` to `inputs`.
"""
