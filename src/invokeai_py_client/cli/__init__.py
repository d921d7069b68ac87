"""The `ivk` command."""
