"""The workflow as the GUI holds it once loaded: nodes, edges, form.

May use `document`.
"""
