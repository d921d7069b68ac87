"""Typed values of workflow inputs, and the registry that chooses their class."""
