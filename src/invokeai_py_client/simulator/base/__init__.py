"""Storage, settings, faults and events.

Uses no other room.
"""
