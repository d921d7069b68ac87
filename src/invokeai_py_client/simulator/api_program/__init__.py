"""The routes of the program, models, users and settings.

May use every room but the other routes.
"""
