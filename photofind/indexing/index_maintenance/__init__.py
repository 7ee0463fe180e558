"""When an index is extended, rebuilt and given a graph: the one room that decides it.

``fit`` decides from counts alone. ``maintenance`` carries it out, with a child process from
``builder``: in the foreground after ``photofind index --wait``, in a process of its own after a
command that does not wait (``background``), and in quiet moments of the daemon (``maintainer``).
"""
