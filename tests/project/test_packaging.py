"""What packages are made of: files, scripts, manifests and the lock.

packaging/trials/ installs and uses whole packages, which takes minutes.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from photofind.desktop.command import Command
from photofind.desktop.file_managers.nemo import Nemo
from photofind.desktop.integration import State

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"
LOCK = tomllib.loads((PACKAGING / "pylock.toml").read_text("utf-8"))
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="packages are Linux's")


@pytest.fixture(autouse=True)
def builders(monkeypatch: pytest.MonkeyPatch) -> None:
    """The modules of packaging/building can be imported."""
    monkeypatch.syspath_prepend(str(PACKAGING))


def test_the_lock_has_what_photofind_depends_on() -> None:
    locked = {package["name"]: package["version"] for package in LOCK["packages"]}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for requirement in map(Requirement, project["dependencies"]):
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        assert name in locked, "run `python packaging/build.py lock`"
        assert requirement.specifier.contains(locked[name]), f"{requirement}: {locked[name]}"
    assert "pip" in locked


def test_everything_in_the_lock_has_a_checksum() -> None:
    files = [file for package in LOCK["packages"] for file in package.get("wheels", ())]
    assert len(files) > 300
    for file in files:
        assert file["url"].startswith("https://files.pythonhosted.org/")
        assert re.fullmatch("[0-9a-f]{64}", file["hashes"]["sha256"])


def test_the_formula_has_a_wheel_of_everything() -> None:
    from building.manifests import formula, wheels_for_mac

    needed = {package["name"] for package in LOCK["packages"]}
    text = formula("ab" * 32)
    resources = re.findall(r'resource "([^"]+)" do\n    url "([^"]+\.whl)"', text)
    assert [name for name, _ in resources] == [name for name, _, _ in wheels_for_mac()]
    assert {name for name, _ in resources} < needed
    assert {"numpy", "opencv-python-headless", "ai-edge-litert", "pip"} <= dict(resources).keys()
    assert not {"jeepney", "tensorflow"} & dict(resources).keys()
    for name, address in resources:
        assert re.search(
            r"-(py[23.py]*-none-any|.*macosx_\d+_\d+_(arm64|universal2))\.whl", address
        ), name
    assert text.count(" do\n") + text.count(" do |") + text.count("def ") + 1 == len(
        re.findall(r"^ *end$", text, re.MULTILINE)
    )
    assert "Not tested" in text


def test_the_manifest_for_winget_is_yaml() -> None:
    from building.manifests import winget

    files = winget("photofind-0.1.0-windows-x86_64.zip", "ab" * 32)
    loaded = {name: yaml.safe_load(text) for name, text in files.items()}
    assert {one["ManifestType"] for one in loaded.values()} == {
        "version", "defaultLocale", "installer",
    }  # fmt: skip
    assert len({(one["PackageIdentifier"], one["PackageVersion"]) for one in loaded.values()}) == 1
    (installer,) = loaded["photofind.photofind.installer.yaml"]["Installers"]
    assert installer["InstallerSha256"] == "AB" * 32


@on_linux
def test_the_files_for_all_users_are_those_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from building.system_files import write_system_files

    write_system_files(tmp_path / "usr")
    share = tmp_path / "usr/share"
    entry = (share / "applications/photofind.desktop").read_text("utf-8")
    assert "Exec=/usr/bin/photofind gallery -- %F\n" in entry
    assert "MimeType" not in entry  # It could become the default program.
    assert "ExecStart=/usr/bin/photofind daemon run" in (
        tmp_path / "usr/lib/systemd/user/photofind.service"
    ).read_text("utf-8")
    for name in (
        "bash-completion/completions/photofind",
        "doc/photofind/copyright",
        "file-manager/actions/photofind-known.desktop",
        "icons/hicolor/48x48/apps/photofind.png",
        "kio/servicemenus/photofind-similar.desktop",
        "metainfo/photofind.metainfo.xml",
        "nautilus-python/extensions/photofind_similar.py",
        "zsh/vendor-completions/_photofind",
    ):
        assert (share / name).is_file(), name
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in written if str(tmp_path).encode() in path.read_bytes()]

    # What is there for all is not installed once more for one user, unless it is another photofind.
    home = tmp_path / "home"
    monkeypatch.setenv("XDG_DATA_HOME", str(home))
    monkeypatch.setenv("XDG_DATA_DIRS", f"/nowhere:{share}")
    packaged = Nemo(Command(("/usr/bin/photofind",)))
    assert packaged.status() is State.INSTALLED
    assert not packaged.install()
    assert not packaged.remove()
    assert not home.exists()
    other = Nemo(Command(("/elsewhere/photofind",)))
    assert other.status() is State.ABSENT
    assert other.install()
    assert other.status() is State.INSTALLED
    assert other.remove()


@on_linux
def test_nfpm_is_told_of_files_that_are_there(tmp_path: Path) -> None:
    from building.linux_packages import configuration

    described = configuration(tmp_path / "tree", tmp_path / "usr", "2.28")
    assert json.loads(json.dumps(described)) == described
    for script in described["scripts"].values():
        subprocess.run(["sh", "-n", script], check=True)
    assert "libc6 (>= 2.28)" in described["overrides"]["deb"]["depends"]
    assert "libc.so.6(GLIBC_2.28)(64bit)" in described["overrides"]["rpm"]["depends"]


@on_linux
@pytest.mark.parametrize(
    "script", ["linux/run/install.sh", "linux/run/uninstall.sh", "linux/AppRun",
               "trials/try_package.sh", "trials/use_photofind.sh"],
)  # fmt: skip
def test_scripts_are_those_of_a_shell(script: str) -> None:
    subprocess.run(["sh", "-n", PACKAGING / script], check=True)


@on_linux
def test_the_command_starts_the_interpreter_beside_it(tmp_path: Path) -> None:
    tree = tmp_path / "opt dir/photofind/bin"
    tree.mkdir(parents=True)
    (tree / "photofind").write_bytes((PACKAGING / "linux/photofind.sh").read_bytes())
    (tree / "python3").write_text('#!/bin/sh\necho "$0 $* <${PYTHONPATH-}>"\n')
    for name in ("photofind", "python3"):
        (tree / name).chmod(0o755)
    (tmp_path / "photofind").symlink_to(tree / "photofind")
    done = subprocess.run(
        ["./photofind", "similar", "a b.jpg"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": "/x"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{tree}/python3 -P -m photofind similar a b.jpg <>\n"


@on_linux
@pytest.mark.skipif(Path("/usr/bin/photofind").exists(), reason="a package is installed")
def test_a_run_file_leaves_what_was_there_before(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".local/share").mkdir(parents=True)
    environment = os.environ | {"HOME": str(home)}

    def install() -> subprocess.CompletedProcess[str]:
        unpacked = tmp_path / "unpacked"
        (unpacked / "photofind/bin").mkdir(parents=True)
        command = unpacked / "photofind/bin/photofind"
        command.write_text("#!/bin/sh\necho it runs\n")
        command.chmod(0o755)
        for name in ("install.sh", "uninstall.sh"):
            shutil.copy(PACKAGING / "linux/run" / name, unpacked)
        run = ["sh", "./install.sh", "--user"]
        done = subprocess.run(
            run, cwd=unpacked, env=environment, capture_output=True, text=True, check=False
        )
        shutil.rmtree(unpacked)
        return done

    def files() -> set[str]:
        return {path.relative_to(home).as_posix() for path in home.rglob("*")}

    for _ in range(2):  # The second one is an upgrade.
        assert install().returncode == 0
    command = home / ".local/bin/photofind"
    assert subprocess.check_output([command], text=True) == "it runs\n"
    (home / ".local/bin/other").touch()
    subprocess.run([home / ".local/opt/photofind/uninstall"], env=environment, check=True)
    assert files() == {".local", ".local/share", ".local/bin", ".local/bin/other"}

    (home / ".local/opt/photofind").mkdir(parents=True)
    refused = install()
    assert refused.returncode == 1
    assert "is not photofind's" in refused.stderr
    assert files() == {
        ".local", ".local/share", ".local/bin", ".local/bin/other", ".local/opt",
        ".local/opt/photofind",
    }  # fmt: skip


@on_linux
def test_the_interpreter_leaves_packages_of_other_pythons_alone(tmp_path: Path) -> None:
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    foreign = tmp_path / f".local/lib/{version}/site-packages"
    foreign.mkdir(parents=True)
    own = tmp_path / f".local/share/photofind-plugins/lib/{version}/site-packages"
    base = Path(sys.base_prefix, "bin", version)
    environment = {"HOME": str(tmp_path), "PYTHONPATH": str(PACKAGING / "linux")}
    code = (
        "import json, os, site, sys; "
        "print(json.dumps([sys.path, site.USER_BASE, os.environ.get('PYTHONUSERBASE')]))"
    )

    def said(*words: str) -> list[Any]:
        done = subprocess.run(
            [base, "-c", code, *words], env=environment, capture_output=True, text=True, check=True
        )
        loaded: list[Any] = json.loads(done.stdout)
        return loaded

    path, user, in_environment = said()
    assert str(foreign) not in path
    packages = [folder for folder in path if folder.endswith("-packages")]
    assert packages[0] == str(own)  # As pip means it: what it upgrades for a user comes first.
    assert len(packages) > 1
    assert user == str(own.parents[2])
    assert in_environment is None  # Other programs that it starts have their own.
    assert said("pip")[2] == user


def test_licences_that_nobody_looked_at_are_refused() -> None:
    from building.contents import refused

    known = [
        "MIT",
        "BSD-2-Clause AND Apache-2.0 WITH LLVM-exception",
        "GNU Lesser General Public",
        "Mozilla Public License 2.0 (MPL 2.0)",
        "Python Software Foundation License",
    ]
    unknown = ["UNKNOWN", "Proprietary", "AGPL-3.0", "GNU General Public License v3 (GPLv3)"]
    licences = [{"Name": f"n{n}", "License": name} for n, name in enumerate([*known, *unknown])]
    assert len(refused(licences)) == len(unknown)
    assert all(name in wrong for name, wrong in zip(unknown, refused(licences), strict=True))


def test_a_source_distribution_is_the_same_each_time(tmp_path: Path) -> None:
    from building.distributions import normalise

    contents = []
    for moment, order in ((1_000_000_000, 1), (1_700_000_000, -1)):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for name in ("a/one", "a/two")[::order]:
                member = tarfile.TarInfo(name)
                member.mtime, member.uid, member.size = moment, order % 9, 3
                archive.addfile(member, io.BytesIO(b"abc"))
        path = tmp_path / f"{moment}.tar.gz"
        path.write_bytes(gzip.compress(packed.getvalue(), mtime=moment))
        normalise(path, 1_600_000_000)
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]
    with tarfile.open(path) as archive:
        assert archive.getnames() == ["a/one", "a/two"]
