"""What the server would refuse, found before anything is sent.

May use the rooms from `document` to `compiling`.
"""
