"""A real Milvus server for tests: the binary of the wheel ``milvus``, in a folder of its own."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from free_ports import free_ports

__all__ = ["MilvusServer"]

_START_SECONDS = 180
# The interval in which it tells that all is written: it is 200 ms, and tests wait for it often.
_TICK = 20


class MilvusServer:
    """A server on loopback; it ends with this process, however that ends.

    Parameters
    ----------
    folder
        An empty one, for its settings and its data.
    program
        Where the wheel is unpacked, 250 MB, unless it was before.
    certificate, key
        Of the server, in PEM; it speaks TLS where they are given.
    with_users
        Whether it asks for a user and a password; the first is "root" with "Milvus".
    """

    def __init__(
        self,
        folder: Path,
        program: Path,
        *,
        certificate: Path | None = None,
        key: Path | None = None,
        with_users: bool = False,
        tick: int = _TICK,
    ) -> None:
        from milvus import MilvusServerConfig, _initialize_data_files

        self._folder = folder
        self.certificate = certificate
        folder.mkdir(parents=True, exist_ok=True)
        _initialize_data_files(str(program))
        self._program = program / "bin"
        names = ("etcd", "root_coord", "proxy", "proxy_internal", "query_coord", "query_node")
        names += ("index_coord", "index_node", "data_coord", "data_node")
        ports = free_ports(len(names) + 2)
        self.port = ports[names.index("proxy")]
        self._health = ports[-1]
        config = MilvusServerConfig(
            data_dir=str(folder),
            **{f"{name}_port": port for name, port in zip(names, ports, strict=False)},
        )
        config.set("authorization_enabled", with_users)
        if certificate is not None:
            config.set("tls_mode", 1)
            config.set("server_pem_path", str(certificate))
            config.set("server_key_path", str(key))
        config.resolve()
        self._tick = tick
        etcd = f"http://127.0.0.1:{ports[-2]}"
        (folder / "configs" / "etcd.yaml").write_text(
            f"listen-client-urls: http://127.0.0.1:{ports[0]}\n"
            f"advertise-client-urls: http://127.0.0.1:{ports[0]}\n"
            f"listen-peer-urls: {etcd}\ninitial-advertise-peer-urls: {etcd}\n"
            f"initial-cluster: default={etcd}\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it; it may still be loading what it has."""
        binary = self._program / "milvus"
        log = (self._folder / "logs" / "milvus.log").open("ab")
        self._process = subprocess.Popen(
            [binary, "run", "standalone"],
            cwd=self._folder,
            env=os.environ
            | {
                "DEPLOY_MODE": "STANDALONE",
                "LD_LIBRARY_PATH": str(binary.parent),
                # Any setting of its can be a variable; its etcd has settings of its own.
                "ETCD_CONFIG_PATH": str(self._folder / "configs" / "etcd.yaml"),
                "PROXY_TIMETICKINTERVAL": str(self._tick),
                "QUERYNODE_SEGCORE_INTERIMINDEX_ENABLEINDEX": "false",
                "METRICS_PORT": str(self._health),
                "MILVUS_RUN_DIR": str(self._folder / "run"),
            },
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )
        log.close()

    def wait(self) -> None:
        """Wait until it answers."""
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            assert self._process is not None
            if self._process.poll() is not None:
                break
            try:
                with urlopen(f"http://127.0.0.1:{self._health}/healthz", timeout=5) as answer:
                    if b"OK" in answer.read():
                        return
            except (URLError, OSError):
                pass
            time.sleep(0.1)
        self.kill()
        log = (self._folder / "logs" / "milvus.log").read_text(errors="replace")
        raise RuntimeError(f"Milvus did not start: {log[-2000:]}")

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def halt(self) -> None:
        """Have it stand still, as a server behind a cut network."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Have it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
