"""Prompts: their variants, and texts that language models write."""
