"""Images: upload, list, download, organise."""
