"""Pixels become vectors: the plugin protocol, its registry, MobileNet, and running them safely."""
