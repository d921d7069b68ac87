"""The file a user exported, frozen: parsed, unwrapped, never changed.

Uses no other room.
"""
