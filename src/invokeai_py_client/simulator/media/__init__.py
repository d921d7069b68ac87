"""Images, videos and boards: files, records and placeholders.

May use `base`.
"""
