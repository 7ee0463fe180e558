"""One supervised child process: start it, call it, and outlive whatever happens to it.

A :class:`Worker` keeps what is heavy, slow or fragile out of the process that must go on: decoding
photos of unknown origin, extractor plugins, the graph and its compiler. :func:`isolate` finds
which item of a batch takes its worker down. :mod:`photofind.workers.frames` is the protocol.
"""

from photofind.workers.isolate import isolate
from photofind.workers.worker import Reply, Worker

__all__ = ["Reply", "Worker", "isolate"]
