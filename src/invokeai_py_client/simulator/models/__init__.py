"""The models a server pretends to have, and those it installs.

May use `base` and `media`.
"""
