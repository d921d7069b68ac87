"""The routes of images, videos, boards and the gallery.

May use every room but the other routes.
"""
