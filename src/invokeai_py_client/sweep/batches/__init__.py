"""A batch on its server: put into the queue once, followed, judged, its files fetched.

Nothing here writes the ledger, so that another process can do it. May use `ledger`, for
its rows.
"""
