"""Boards: folders of images on the server."""
