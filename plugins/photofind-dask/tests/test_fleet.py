"""A fleet reads photos as one machine does, and is reached by those alone who may."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import fleet_tasks
import numpy as np
import psutil
import pytest
from distributed import Client, LocalCluster, Security
from free_ports import free_ports
from photofind_dask import tasks
from photofind_dask.fleet import DaskFleet
from PIL import Image
from waiting import wait_until

from photofind.app.photofind import PhotoFind
from photofind.errors import FleetError, FleetLostError, WorkerStoppedError
from photofind.extractors.extraction import Extraction
from photofind.extractors.fleets import FleetInUse, WorkOptions, open_fleet
from photofind.images.limits import DEFAULT_LIMITS
from photofind.paths import Home

README = Path(__file__).parents[1] / "README.md"
OPTIONS = WorkOptions(DEFAULT_LIMITS, 60.0, 3000.0, "whole")
EXTRACTOR = "colour"


def make_certificates(folder):
    """Make an authority and a certificate by the lines of the README."""
    folder.mkdir()
    (recipe,) = re.findall(r"```sh\n(openssl.*?)```", README.read_text("utf-8"), re.DOTALL)
    subprocess.run(["sh", "-e"], input=recipe.encode(), cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("authority") / "certificates")


@pytest.fixture(scope="module")
def home(home, certificates):
    """Have the certificates in the home that the tests of plugins share."""
    home.mkdir(mode=0o700, exist_ok=True)
    shutil.copytree(certificates, home / "fleet", dirs_exist_ok=True)
    (home / "settings.toml").write_text(f'extractor = "{EXTRACTOR}"\n')
    return home


@pytest.fixture(scope="module")
def security(certificates):
    files = {f"tls_{kind}_{part}": str(certificates / f"{part}.pem")
             for kind in ("client", "worker", "scheduler") for part in ("cert", "key")}  # fmt: skip
    return Security(require_encryption=True, tls_ca_file=str(certificates / "ca.pem"), **files)


@pytest.fixture(scope="module")
def cluster(security, home):
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=False,
        host="127.0.0.1",
        protocol="tls://",
        security=security,
        dashboard_address=None,
    ) as cluster:
        yield cluster
    for extraction in tasks._extractions.values():
        extraction.close()


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    for number in range(12):
        pixels = random.integers(0, 255, (6, 8, 3), np.uint8)
        Image.fromarray(pixels).resize((400, 300)).save(folder / f"{number}.jpg")
    shutil.copy(folder / "0.jpg", folder / "copy.jpg")
    (folder / "garbage.jpg").write_bytes(b"garbage")
    (folder / "cut.jpg").write_bytes((folder / "1.jpg").read_bytes()[:4000])
    (folder / "poison.jpg").write_bytes(b"poison")
    (folder / "1.jpg.xmp").write_text(
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
        'syntax-ns#"><rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject>'
        "<rdf:Bag><rdf:li>harbour</rdf:li></rdf:Bag></dc:subject></rdf:Description></rdf:RDF>"
        "</x:xmpmeta>"
    )
    return folder


@pytest.fixture(scope="module")
def here(home):
    with Extraction(EXTRACTOR, home=Home(home)) as extraction:
        yield extraction


@contextmanager
def connected(cluster, security, task=tasks.read):
    client = Client(cluster.scheduler_address, security=security, set_as_default=False)
    fleet = DaskFleet(client, cluster.scheduler_address, OPTIONS, task)
    try:
        yield fleet
    finally:
        fleet.close()


def read(fleet, here, paths, **arguments):
    """Return what a fleet makes of photos, and which were read here."""
    left = []

    def read_here(method, some, **arguments):
        left.extend(some)
        return here._batches.read(method, some, **arguments)

    arguments = {"known": [], "in_company": True, **arguments}
    return fleet.read(here.info(), "extract", paths, read_here, **arguments), left


def plain(extracted, *, without=()):
    """Return what was extracted of photos so that it can be compared."""
    told = []
    for one in extracted:
        fields = asdict(one)
        fields["vector"] = None if one.vector is None else one.vector.round(4).tolist()
        told.append({name: value for name, value in fields.items() if name not in without})
    return told


def files(photos):
    return sorted(str(path) for path in photos.glob("*.jpg"))


def test_photos_are_as_one_machine_reads_them(cluster, security, photos, here):
    paths = files(photos)
    expected = here.extract(paths, in_company=True)
    assert {one.failure is None for one in expected} == {True, False}
    with connected(cluster, security) as fleet:
        fleet.check(here.info())
        fleet.expect(here.info(), "extract", paths, known=[], in_company=True)
        found, left = read(fleet, here, paths)
        assert (plain(found), left) == (plain(expected), [])
        known = [one.content for one in expected if one.vector is not None]
        again, _ = read(fleet, here, paths, known=known)
        assert all(one.vector is None for one in again)
        previews = fleet.read(here.info(), "extract_previews", paths[:2], None)
        assert [one.vector for one in previews] == [None, None]  # They have no thumbnails.


def test_workers_see_photos_elsewhere_or_get_their_bytes(
    cluster, security, photos, here, tmp_path, monkeypatch
):
    paths = files(photos)
    expected = plain(here.extract(paths, in_company=True))
    shutil.copytree(photos, tmp_path / "mount")
    with connected(cluster, security) as fleet:
        monkeypatch.setenv(tasks.PATHS, f"/other=/x;{photos}={tmp_path / 'mount'}")
        assert plain(read(fleet, here, paths)[0]) == expected
        assert not fleet._ships
        monkeypatch.setenv(tasks.PATHS, f"{photos}={tmp_path / 'nowhere'}")
        found, left = read(fleet, here, [*paths, str(photos / "gone.jpg")])
        assert fleet._ships
        assert plain(found[:-1]) == expected
        assert left == [str(photos / "gone.jpg")]
        assert found[-1].failure is not None


def test_what_kills_workers_is_found_by_halving_and_read_here(cluster, security, photos, here):
    paths = files(photos)
    with connected(cluster, security, fleet_tasks.poisoned) as fleet:
        fleet._share = 16
        fleet_tasks.seen.clear()
        found, left = read(fleet, here, paths)
    assert left == [str(photos / "poison.jpg")]
    assert max(map(len, fleet_tasks.seen)) > 2
    assert plain(found) == plain(here.extract(paths, in_company=True))


def test_workers_with_other_versions_are_named(cluster, security, photos, here):
    info = replace(here.info(), version="99")
    with connected(cluster, security) as fleet:
        with pytest.raises(FleetError, match=r"worker .* has colour 1, and here 99 is"):
            fleet.check(info)
        with pytest.raises(FleetLostError, match="has colour 1, and here 99 is"):
            fleet.read(info, "extract", files(photos), None, known=[], in_company=True)


def test_reading_by_a_fleet_can_be_broken_off(cluster, security, photos, here):
    fleet_tasks.held.clear()
    fleet_tasks.began.clear()
    with connected(cluster, security, fleet_tasks.holding) as fleet:

        def break_off():
            fleet_tasks.began.wait(60)
            fleet.break_off()

        breaking = threading.Thread(target=break_off)
        breaking.start()
        with pytest.raises(WorkerStoppedError):
            read(fleet, here, files(photos))
        fleet_tasks.held.set()
        breaking.join()
        assert len(read(fleet, here, files(photos))[0]) == len(files(photos))


def test_who_may_not_is_told_in_one_line(cluster, home, tmp_path, certificates):
    other = Home(tmp_path / "other")
    address = cluster.scheduler_address

    def refusal(address=address):
        with pytest.raises(FleetError) as caught:
            open_fleet(other, address, OPTIONS)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "no address of a fleet" in refusal("http://localhost:1")
    assert "reached by tls:// alone" in refusal("tcp://localhost:1")
    assert "there is no" in refusal()
    other.root.mkdir()
    make_certificates(other.root / "fleet")
    assert "did not sign" in refusal()
    shutil.copy(certificates / "ca.pem", other.root / "fleet" / "ca.pem")
    assert "does not accept the certificate" in refusal()
    if os.name != "nt":
        (other.root / "fleet" / "key.pem").chmod(0o644)
        assert "others can read the key" in refusal()
    shutil.copytree(certificates, other.root / "fleet", dirs_exist_ok=True)
    assert "cannot be reached" in refusal("tls://127.0.0.1:9")
    open_fleet(other, address, OPTIONS).close()


def test_a_fleet_that_is_lost_is_done_without(photos, here):
    class Lost:
        closed = False

        def read(self, *arguments, **options):
            raise FleetLostError("the fleet was lost")

        def break_off(self):
            self.closed = True

        close = break_off

    in_use, fleet = FleetInUse(), Lost()
    with Extraction(EXTRACTOR, fleet=in_use) as extraction:
        extraction.info()
        with in_use.using(fleet, "tls://one") as notes:
            with pytest.raises(FleetError, match="another fleet"), in_use.using(Lost()):
                pass
            with in_use.joining("tls://two") as others:
                assert others is None
            with in_use.joining("tls://one") as same:
                assert same is notes
            assert not fleet.closed
            found = extraction.extract(files(photos), in_company=True)
            assert not extraction.has_fleet
    assert plain(found) == plain(here.extract(files(photos), in_company=True))
    assert notes == ["the fleet was lost; the rest was read on this machine"]
    with in_use.using(Lost()) as notes:
        assert notes == []


def test_a_killed_worker_costs_a_retry_and_loses_nothing(home, photos, tmp_path):
    """Processes, started as the README says: one worker, which is killed while it reads."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(40):
        picture = Image.open(files(photos)[0])
        picture.resize((320 + number, 240)).save(folder / f"{number}.jpg")
    shutil.copy(photos / "garbage.jpg", folder)
    own = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "DASK_TEMPORARY_DIRECTORY": str(tmp_path),
    }
    log = tmp_path / "log"
    command = [sys.executable, "-m", "photofind_dask"]
    place = f"127.0.0.1:{free_ports(1)[0]}"
    address = f"tls://{place}"
    with log.open("wb") as out, PhotoFind(Home(home)) as photofind:
        # Both at once: the worker waits for its scheduler.
        scheduler = subprocess.Popen([*command, "scheduler", place], env=own, stderr=out)
        worker = subprocess.Popen([*command, "worker", address], env=own, stderr=out)
        try:
            found_in(log, r"Registered to: +tls")
            open_to = {
                one.laddr.ip
                for process in (scheduler, worker)
                for one in psutil.Process(process.pid).net_connections()
                if one.status == psutil.CONN_LISTEN
            }
            assert open_to == {"127.0.0.1"}
            photofind.add_folder(str(folder))
            kills = []

            def kill(progress):
                if progress.done and not kills:
                    children = psutil.Process(worker.pid).children()
                    kills.extend(one for one in children if "spawn_main" in " ".join(one.cmdline()))
                    os.kill(kills[0].pid, signal.SIGKILL)

            report = photofind.index(fleet=address, progress=kill)
        finally:
            for process in (scheduler, worker):
                process.terminate()
                process.wait(60)
    assert kills
    assert (report.new, report.failed) == (41, 1)
    with PhotoFind(Home(home)) as photofind:
        assert photofind.count() == 40
        assert [Path(one.path).name for one in photofind.failures()] == ["garbage.jpg"]


def found_in(log, pattern):
    """Wait until a line is in a log; return what it holds."""
    return wait_until(lambda: re.findall(pattern, log.read_text("utf-8", "replace")), pattern)[0]
