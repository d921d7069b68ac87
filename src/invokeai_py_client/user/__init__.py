"""Accounts of a server with several users."""
