"""Several servers as one: single runs on the server that is free, chains by row.

May use all rooms but `display`.
"""
