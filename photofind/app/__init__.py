"""Carry out the operations in this process: search, photos, folders, trash, health."""
