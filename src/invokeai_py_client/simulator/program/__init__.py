"""The server as a program: users, and prompts with alternatives.

May use `base` and `graphs`.
"""
