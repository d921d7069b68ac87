"""Lock files: names of inputs that stay when the form is edited.

May use the rooms from `document` to `loading`.
"""
