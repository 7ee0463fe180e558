"""Builds what people install; ``packaging/build.py`` is the command."""
