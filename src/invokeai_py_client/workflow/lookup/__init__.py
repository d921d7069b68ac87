"""What the client learns about a server: its node types, names, generator values.

May use the rooms from `document` to `inputs`, and `library`.
"""
