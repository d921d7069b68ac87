"""Workflows, style presets and system prompts that the server keeps.

May use `base`, `graphs` and `media`.
"""
