"""Workflows: definition, inputs, compilation, submission and results."""
