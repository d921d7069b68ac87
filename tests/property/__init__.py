"""Tests over whole input spaces, with Hypothesis."""
