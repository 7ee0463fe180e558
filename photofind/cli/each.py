"""Many questions in one run: an answer a line."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice

from photofind.cli.output import note, print_json, show_progress
from photofind.cli.questions import Questions
from photofind.errors import PhotofindError
from photofind.model import Answer, Progress, Query
from photofind.operations import Operations

__all__ = ["answer_each"]

# So many are asked at a time: the daemon answers as many searches at once.
_AT_ONCE = 4
# And so many wait to be printed, whose turn has not come.
_AHEAD = 32


def answer_each(photofind: Operations, query: Query, questions: Questions) -> None:
    """Ask with each photo of a query by itself, and print an object a line, in the same order.

    One that cannot be answered has its ``error``, and makes the exit code 1.
    """
    from photofind.cli.similar import answer_object

    failed = 0
    with show_progress() as progress:
        for done, (path, answer) in enumerate(_answers(photofind, query), 1):
            name = questions.names.get(path, path)
            if isinstance(answer, Answer):
                print_json(answer_object(answer, questions.names), indent=None)
            else:
                failed += 1
                message = answer.message.replace(path, name)
                print_json({"query": {"like": [name]}, "error": message}, indent=None)
            progress(Progress("answering", done, len(query.like)))
    if failed:
        note(f"{failed:,} of {len(query.like):,} questions could not be answered")
        raise SystemExit(1)


def _answers(photofind: Operations, query: Query) -> Iterator[tuple[str, Answer | PhotofindError]]:
    def answer(path: str) -> Answer | PhotofindError:
        try:
            return photofind.similar(replace(query, like=(path,)))
        except PhotofindError as error:
            return error

    from photofind.daemon.client import Client

    paths = iter([str(one) for one in query.like])
    # In this process there is one library, which threads do not share.
    with ThreadPoolExecutor(_AT_ONCE if isinstance(photofind, Client) else 1) as threads:
        waiting: list[tuple[str, Future[Answer | PhotofindError]]] = []
        try:
            while True:
                for path in islice(paths, _AHEAD - len(waiting)):
                    waiting.append((path, threads.submit(answer, path)))
                if not waiting:
                    return
                path, future = waiting.pop(0)
                yield path, future.result()
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
