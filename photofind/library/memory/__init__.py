"""A store in memory: for tests, and as the plainest example of an engine.

Whatever is committed makes a new state out of the old one, so a commit is a single assignment:
readers see all of it or nothing. Searches compare with everything.
"""

from photofind.library.memory.store import Memory, MemoryStore

__all__ = ["Memory", "MemoryStore"]
