"""A sweep on its way: chunks enqueued, watched, harvested, taken up again.

May use all other rooms.
"""
