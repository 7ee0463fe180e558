"""Services in supervised child processes, whose crashes, hangs and memory cost the caller nothing.

A :class:`Worker` keeps heavy, slow or fragile code out of the calling process: decoding photos,
extractor plugins, the graph and its compiler. :func:`isolate` finds the items of a batch that take
their worker down. :mod:`photofind.workers.frames` is the protocol.
"""

from photofind.workers.isolate import isolate
from photofind.workers.worker import ONE_BLAS_THREAD, Reply, Worker

__all__ = ["ONE_BLAS_THREAD", "Reply", "Worker", "isolate"]
