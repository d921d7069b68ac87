"""Which server takes how many items of which part; pure, without a clock.

Uses no other room.
"""
