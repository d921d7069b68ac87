"""From values to items: axes, tables, seeds, keys. Pure but for reading tables.

Uses no other room.
"""
