"""The fleet as the one sees it that asks: shares of photos go out, and results come back."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from threading import Condition
from typing import TYPE_CHECKING, Any

from distributed.scheduler import KilledWorker

from photofind.errors import FleetLostError, WorkerStoppedError
from photofind_dask import tasks
from photofind_dask.checking import check_workers, line_of, new_key
from photofind_dask.messages import pack, results, unpack

if TYPE_CHECKING:
    from distributed import Client, Future

    from photofind.extractors.extracted import Extracted
    from photofind.extractors.fleets import ReadHere, WorkOptions
    from photofind.extractors.info import ExtractorInfo

__all__ = ["DaskFleet"]

log = logging.getLogger(__name__)

# How long a worker is to be busy with one share; as many photos as it read in that time.
_SHARE_SECONDS = 1.0
_FIRST_SHARE, _LARGEST_SHARE = 4, 64
# Each thread of a worker has so many shares, so that it never waits for the next one.
_SHARES_EACH = 2
# Where workers do not see the photos, a share is not larger, in bytes, and no single photo is.
_MOST_BYTES = 32_000_000
_LARGEST_FILE = 256_000_000
# How long a result is waited for that was there, and may have gone with its worker.
_GATHER_SECONDS = 2.0
# How long a fleet without workers is waited for: one that died is started again.
_PATIENCE = 180.0
_LOOK = 2.0

Key = tuple[str, str, bool, str]


@dataclass(frozen=True, eq=False)
class _Job:
    """What is to be done with photos."""

    info: ExtractorInfo
    method: str
    arguments: dict[str, Any]

    def key(self, path: str) -> Key:
        in_company = bool(self.arguments.get("in_company"))
        return self.info.identity, self.method, in_company, path


@dataclass(eq=False)
class _Share:
    """Photos that one worker reads together."""

    job: _Job
    paths: list[str]
    shipped: bool = False
    future: Future[bytes] | None = None

    @property
    def keys(self) -> list[Key]:
        return [self.job.key(path) for path in self.paths]


@dataclass(eq=False)
class _State:
    """What is under way. ``results`` of photos that are to be read here are :data:`_HERE`."""

    expected: deque[tuple[_Job, str]] = field(default_factory=deque)
    shares: dict[Key, _Share] = field(default_factory=dict)
    results: dict[Key, Any] = field(default_factory=dict)
    finished: list[_Share] = field(default_factory=list)


_HERE = object()


class DaskFleet:
    """Workers of Dask that read photos; `photofind.extractors.fleets.Fleet`.

    Parameters
    ----------
    client
        Connected to their scheduler; it is closed with the fleet.
    address
        Of the scheduler, for messages.
    options
        How photos are read.
    task
        What a worker does with a request; :func:`photofind_dask.tasks.read`.
    """

    def __init__(
        self,
        client: Client,
        address: str,
        options: WorkOptions,
        task: Callable[[bytes], bytes] = tasks.read,
    ) -> None:
        self._client = client
        self._address = address
        self._options = asdict(options)
        self._task = task
        self._changed = Condition()
        self._state = _State()
        self._broken_off = 0
        self._is_taking = False
        self._share = _FIRST_SHARE
        self._rate: float | None = None  # Photos a second of one share.
        self._ships = False
        self._unfit: dict[str, str] = {}
        self._threads: dict[str, int] = {}
        self._looked = 0.0
        self._had_workers = self._progressed = time.monotonic()

    @property
    def silence(self) -> float:
        """Seconds since a worker last showed progress."""
        return time.monotonic() - self._progressed

    def check(self, info: ExtractorInfo) -> None:
        """Check that each worker has photofind, an extractor and its model as they are here.

        Raises
        ------
        FleetError
            One has not: the message names it, and both versions.
        """
        asked = {
            "extractor": info.name,
            "options": self._options,
            "expected": tasks.description(info),
        }
        check_workers(self._client, self._address, asked)

    def expect(
        self, info: ExtractorInfo, method: str, paths: Sequence[str], **arguments: Any
    ) -> None:
        """Have photos read that :meth:`read` will be asked for soon, in this order."""
        job = _Job(info, method, arguments)
        keys = {job.key(path) for path in paths}
        with self._changed:
            state = self._state
            unwanted = [share for share in set(state.shares.values()) if not keys & {*share.keys}]
            for share in unwanted:
                self._drop(share)
            for key in state.results.keys() - keys:
                del state.results[key]
            known = state.results.keys() | state.shares.keys()
            state.expected = deque((job, path) for path in paths if job.key(path) not in known)
        self._cancel(unwanted)
        self._fill()

    def read(
        self,
        info: ExtractorInfo,
        method: str,
        paths: Sequence[str],
        here: ReadHere,
        **arguments: Any,
    ) -> list[Extracted]:
        """Have photos read; return a result for each. See the protocol."""
        job = _Job(info, method, arguments)
        keys = [job.key(path) for path in paths]
        with self._changed:
            broken_off, state = self._broken_off, self._state
            known = state.results.keys() | state.shares.keys()
            expected = {one.key(path) for one, path in state.expected}
            state.expected.extendleft(
                (job, path)
                for path, key in reversed([*zip(paths, keys, strict=True)])
                if key not in known and key not in expected
            )
        while True:
            self._fill()
            with self._changed:
                if self._broken_off != broken_off:
                    raise WorkerStoppedError("the fleet was not waited for any more")
                if all(key in state.results for key in keys):
                    found = [state.results.pop(key) for key in dict.fromkeys(keys)]
                    break
                finished = [one for one in state.finished if _is_settled(one)]
                state.finished = [one for one in state.finished if one not in finished]
                if not finished:
                    self._changed.wait(0.2)
            if finished:
                self._take(finished)
            self._look()
        results_of = dict(zip(dict.fromkeys(paths), found, strict=True))
        left = [path for path, one in results_of.items() if one is _HERE]
        if left:
            log.info("%d photos are read here that no worker could read", len(left))
            results_of.update(zip(left, here(method, left, **arguments), strict=True))
        return [results_of[path] for path in paths]

    def break_off(self) -> None:
        """End the calls that wait, and what was begun for them."""
        with self._changed:
            self._broken_off += 1
            shares = [*set(self._state.shares.values())]
            self._state = _State()
            self._changed.notify_all()
        self._cancel(shares)

    def close(self) -> None:
        """Leave the workers to others."""
        self.break_off()
        self._client.close(timeout=5)

    def _fill(self) -> None:
        """Give the workers as many shares as keep them busy."""
        self._look()
        while True:
            with self._changed:
                state = self._state
                under_way = len(set(state.shares.values())) - len(state.finished)
                threads = [n for one, n in self._threads.items() if one not in self._unfit]
                room = max(_SHARES_EACH * sum(threads), 1)
                if not state.expected or under_way >= room:
                    return
                job = state.expected[0][0]
                share = _Share(job, [])
                while (
                    state.expected
                    and state.expected[0][0] is job
                    and len(share.paths) < self._share
                ):
                    path = state.expected.popleft()[1]
                    if job.key(path) not in state.shares and job.key(path) not in state.results:
                        share.paths.append(path)
                state.shares.update(dict.fromkeys(share.keys, share))
            if share.paths:
                self._submit(share)

    def _submit(self, share: _Share) -> None:
        """Send a share to a worker, with the bytes of the photos where workers do not see them."""
        job = share.job
        request: tasks.Request = {
            "extractor": job.info.name,
            "options": self._options,
            "expected": tasks.description(job.info),
            "method": job.method,
            "arguments": job.arguments,
            "paths": share.paths,
        }
        share.shipped = self._ships
        if self._ships:
            request["files"] = self._ship(share)
            request["paths"] = share.paths
            if not share.paths:
                return
        fit = [worker for worker in self._threads if worker not in self._unfit]
        try:
            future = self._client.submit(
                self._task,
                pack(request),
                pure=False,
                key=new_key(),
                workers=fit if self._unfit else None,
            )
        except Exception as error:
            raise self._lost(line_of(error)) from error
        share.future = future
        future.add_done_callback(lambda _: self._note(share))

    def _ship(self, share: _Share) -> list[tuple[bytes, bytes | None]]:
        """Return the bytes of the photos of a share; what does not fit into it is put back."""
        files, paths, size = list[tuple[bytes, bytes | None]](), list[str](), 0
        for place, path in enumerate(share.paths):
            try:
                length = Path(path).stat().st_size
                if length > _LARGEST_FILE:
                    raise OSError("too large to be sent")
                if paths and size + length > _MOST_BYTES:
                    self._put_back(share, share.paths[place:])
                    break
                files.append((Path(path).read_bytes(), tasks.sidecar_bytes(path)))
            except (OSError, ValueError):
                self._found(share, {path: _HERE})
                continue
            paths.append(path)
            size += length
        share.paths = paths
        return files

    def _put_back(self, share: _Share, paths: Sequence[str]) -> None:
        with self._changed:
            for path in paths:
                self._state.shares.pop(share.job.key(path), None)
            self._state.expected.extendleft((share.job, path) for path in reversed(paths))

    def _note(self, share: _Share) -> None:
        """Note that a share is done, however; called by a thread of Dask's client."""
        with self._changed:
            if any(self._state.shares.get(key) is share for key in share.keys):
                self._progressed = time.monotonic()
                self._state.finished.append(share)
                self._changed.notify_all()

    def _take(self, shares: Sequence[_Share]) -> None:
        """Take in the results of shares that are done."""
        for share in shares:
            if share.future is None or not self._is_wanted(share):
                continue
            if share.future.status == "error":
                failure = share.future.exception()
                if not isinstance(failure, KilledWorker):
                    raise self._lost(f"a worker failed: {line_of(failure)}")
                self._bisect(share)
                continue
            if share.future.status == "cancelled":
                raise self._lost("its scheduler has gone")
            try:
                # Not gathered with others: one may have gone with its worker, and is made again.
                reply = share.future.result(_GATHER_SECONDS)
            except (TimeoutError, KilledWorker):
                with self._changed:
                    self._state.finished.append(share)
                continue
            except Exception as error:
                raise self._lost(line_of(error)) from error
            self._take_reply(share, unpack(reply))

    def _take_reply(self, share: _Share, reply: dict[str, Any]) -> None:
        if "unfit" in reply:
            self._leave_out(str(reply.get("worker", "")), str(reply["unfit"]))
            self._again(share, share.paths)
            return
        missing = {share.paths[place] for place in reply["missing"]}
        if len(missing) == len(share.paths) and not share.shipped:
            self._ships = True
            self._again(share, share.paths)
            return
        self._adapt(len(share.paths), float(reply["seconds"]))
        identity = share.job.info.identity
        found: dict[str, Any] = {}
        for path, one in zip(share.paths, results(reply, share.paths), strict=True):
            if one is None:
                # Without a thumbnail there is nothing to tell.
                nothing = _no_thumbnail(path) if share.job.method == "extract_previews" else _HERE
                found[path] = _HERE if path in missing else nothing
            elif one.passing:  # It is the machine's fault: this one may be able to.
                found[path] = _HERE
            else:
                found[path] = replace(one, made_by=one.made_by and identity)
        self._found(share, found)

    def _bisect(self, share: _Share) -> None:
        """Find the photo that takes workers down: it is read here, where it is told why."""
        if len(share.paths) == 1:
            log.warning("%s took workers of the fleet down", share.paths[0])
            self._found(share, {share.paths[0]: _HERE})
            return
        half = len(share.paths) // 2
        self._again(share, share.paths[:half])
        self._again(share, share.paths[half:])

    def _again(self, share: _Share, paths: Sequence[str]) -> None:
        """Have photos of a share read once more, if they are still wanted."""
        if not self._is_wanted(share):
            return
        new = _Share(share.job, [*paths])
        with self._changed:
            self._state.shares.update(dict.fromkeys(new.keys, new))
        self._submit(new)

    def _is_wanted(self, share: _Share) -> bool:
        with self._changed:
            return any(self._state.shares.get(key) is share for key in share.keys)

    def _found(self, share: _Share, found: dict[str, Any]) -> None:
        with self._changed:
            for path, one in found.items():
                key = share.job.key(path)
                if self._state.shares.get(key) is share:
                    del self._state.shares[key]
                    self._state.results[key] = one
            self._changed.notify_all()

    def _drop(self, share: _Share) -> None:
        for key in share.keys:
            if self._state.shares.get(key) is share:
                del self._state.shares[key]
        if share in self._state.finished:
            self._state.finished.remove(share)

    def _leave_out(self, worker: str, reason: str) -> None:
        """Give nothing more to a worker that cannot do it.

        Raises
        ------
        FleetLostError
            No other one is left.
        """
        if worker not in self._unfit:
            log.warning("the fleet goes on without a worker: %s", reason)
        self._unfit[worker] = reason
        if not self._threads.keys() - self._unfit.keys():
            raise FleetLostError(f"no worker of {self._address} can embed: {reason}")

    def _adapt(self, photos: int, seconds: float) -> None:
        """Have shares take as long as they should."""
        rate = photos / max(seconds, 1e-3)
        self._rate = rate if self._rate is None else 0.7 * self._rate + 0.3 * rate
        wanted = min(int(self._rate * _SHARE_SECONDS), 2 * self._share, _LARGEST_SHARE)
        self._share = max(wanted, 1)

    def _look(self) -> None:
        """Look from time to time which workers there are.

        Raises
        ------
        FleetLostError
            There are none any more, or the scheduler has gone.
        """
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return
        self._looked = now
        try:
            self._threads = dict(self._client.nthreads())
        except Exception as error:
            raise self._lost(line_of(error)) from error
        if self._threads:
            self._had_workers = now
        elif now - self._had_workers > _PATIENCE:
            raise self._lost("it has no workers any more")

    def _lost(self, reason: str) -> FleetLostError:
        return FleetLostError(f"the fleet at {self._address} was lost: {reason}")

    def _cancel(self, shares: Iterable[_Share]) -> None:
        futures = [share.future for share in shares if share.future is not None]
        if futures and self._client.status == "running":
            self._client.cancel(futures)


def _is_settled(share: _Share) -> bool:
    """Return whether there is a result, or none is to come; it is made again in between."""
    return share.future is None or share.future.status not in ("pending", "lost")


def _no_thumbnail(path: str) -> Extracted:
    from photofind.extractors.extracted import Extracted

    return Extracted(path=path)
