"""The routes of workflows, the queue, presets and prompts.

May use every room but the other routes.
"""
