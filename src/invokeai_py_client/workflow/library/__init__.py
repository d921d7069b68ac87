"""The server's library of workflows.

May use the rooms from `document` to `inputs`.
"""
