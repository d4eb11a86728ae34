"""Folders that one process holds at a time, while it writes them."""
