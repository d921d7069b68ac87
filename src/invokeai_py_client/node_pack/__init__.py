"""Packs of custom nodes."""
