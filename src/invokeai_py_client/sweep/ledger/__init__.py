"""What a sweep did, in SQLite: one writer, and consistent whenever it is killed.

Uses no other room.
"""
