"""From the file to what the GUI would hold: migrations, defaults, edges that are real.

May use `document` and `editor`.
"""
