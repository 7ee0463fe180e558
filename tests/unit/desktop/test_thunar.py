"""Thunar's custom actions: other actions are kept byte for byte."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from fake_program import ODD_NAMES, FakeProgram
from waiting import patience

from photofind.desktop.command import Command
from photofind.desktop.file_managers.thunar import Thunar
from photofind.desktop.integration import State
from photofind.errors import DesktopError

PATHS = [b"/photos/" + name for name in ODD_NAMES]
SYSTEM = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE actions [
  <!ELEMENT actions (action)+>
  <!ATTLIST name xml:lang CDATA #IMPLIED>
]>
<actions>

  <action>
    <icon>utilities-terminal</icon>
    <name>Open Terminal Here</name>
    <name xml:lang="de">Terminal hier öffnen</name>
    <command>exo-open --working-directory %f</command>
    <directories/>
  </action>

</actions>
"""
OTHERS = [
    SYSTEM,
    SYSTEM.rstrip("\n"),
    SYSTEM.replace("\n", "\r\n"),
    "\ufeff" + SYSTEM,
    "<actions></actions>",
    "<actions><action><unique-id>1-1</unique-id><command>x &amp; y</command></action></actions>\n",
    "<?xml version='1.0'?><!-- </actions> --><actions>\n<!-- </actions> <action> --></actions >\n",
    "<actions>\n<action>\n\t<unique-id>photofind-similar-2</unique-id>\n</action>\n</actions>\n",
    "<actions><action><name>></name><command><![CDATA[</actions>]]></command></action></actions>",
]


@pytest.fixture
def path(home_folder: Path) -> Path:
    return home_folder / "config/Thunar/uca.xml"


def write(path: Path, text: str) -> bytes:
    path.parent.mkdir(parents=True)
    path.write_bytes(text.encode())
    return text.encode()


def commands_in(path: Path) -> list[str | None]:
    root = ElementTree.fromstring(path.read_bytes())
    return [action.findtext("command") for action in root.findall("action")]


def own(command: Command) -> list[str]:
    """Return the commands of photofind's own actions: for photos, and for a folder."""
    return [f"{command.similar.for_thunar()} %F", f"{command.known.for_thunar()} %f"]


@pytest.mark.parametrize("others", OTHERS)
def test_other_content_is_kept_byte_for_byte(others: str, path: Path, command: Command) -> None:
    before = write(path, others)
    path.chmod(0o640)
    known = commands_in(path)
    thunar = Thunar(command)
    assert thunar.status() is State.ABSENT
    assert thunar.install()
    assert thunar.status() is State.INSTALLED
    assert not thunar.install()
    assert commands_in(path) == [*known, *own(command)]
    assert thunar.remove()
    assert not thunar.remove()
    assert path.read_bytes() == before
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(path.parent.iterdir()) == [path]


def test_an_action_is_added_to_an_empty_list(path: Path, command: Command) -> None:
    write(path, "<?xml version='1.0'?>\n<actions/>\n")
    Thunar(command).install()
    assert commands_in(path) == own(command)
    Thunar(command).remove()
    assert commands_in(path) == []


def test_without_a_file_the_actions_of_the_system_stay_visible(
    path: Path, command: Command, tmp_path: Path
) -> None:
    write(tmp_path / "system/Thunar/uca.xml", SYSTEM)
    Thunar(command).install()
    assert commands_in(path) == [
        "exo-open --working-directory %f", *own(command)
    ]  # fmt: skip
    Thunar(command).remove()
    assert not path.parent.exists()


def test_a_missing_file_is_created_and_removed(path: Path, command: Command) -> None:
    Thunar(command).install()
    assert commands_in(path) == own(command)
    Thunar(command).remove()
    assert not path.parent.exists()


def test_changes_by_thunar_are_kept_and_the_command_is_updated(
    path: Path, command: Command
) -> None:
    Thunar(Command(("/old/photofind",))).install()
    renamed = path.read_text().replace("Find similar photos", "Ähnliche Fotos").replace("\t", "  ")
    path.write_text(renamed)
    thunar = Thunar(command)
    assert thunar.status() is State.OUTDATED
    assert thunar.install()
    assert thunar.status() is State.INSTALLED
    assert "<name>Ähnliche Fotos</name>" in path.read_text()
    assert commands_in(path) == own(command)
    assert not thunar.install()


def test_an_action_without_a_command_gets_one(path: Path, command: Command) -> None:
    write(path, "<actions><action><unique-id>photofind-similar</unique-id></action></actions>")
    assert Thunar(command).status() is State.OUTDATED
    Thunar(command).install()
    assert Thunar(command).status() is State.INSTALLED


@pytest.mark.parametrize(
    "broken",
    [
        "<actions><action></actions>",
        "words",
        SYSTEM.replace("<!ELEMENT actions (action)+>", '<!ENTITY a "b">'),
        '<?xml version="1.0" encoding="no-such"?><actions></actions>',
        "<actions>\xff</actions>".encode("latin-1").decode("latin-1") + "<",
    ],
)
def test_a_broken_file_is_left_alone(broken: str, path: Path, command: Command) -> None:
    before = write(path, broken)
    for act in (Thunar(command).install, Thunar(command).remove, Thunar(command).status):
        with pytest.raises(DesktopError, match=r"uca\.xml cannot be changed"):
            act()
    assert path.read_bytes() == before


def test_a_linked_file_stays_a_link(path: Path, command: Command, home_folder: Path) -> None:
    before = write(home_folder / "dotfiles/uca.xml", SYSTEM)
    path.parent.mkdir()
    path.symlink_to(home_folder / "dotfiles/uca.xml")
    Thunar(command).install()
    assert path.is_symlink()
    assert len(commands_in(home_folder / "dotfiles/uca.xml")) == 3
    Thunar(command).remove()
    assert (home_folder / "dotfiles/uca.xml").read_bytes() == before


def test_thunar_runs_the_command_with_every_name(
    path: Path, command: Command, fake_photofind: FakeProgram
) -> None:
    Thunar(command).install()
    line, known = commands_in(path)
    assert line
    assert known
    # Like xfce_expand_desktop_entry_field_codes: each file in single quotes.
    quoted = b" ".join(shlex.quote(p.decode("latin-1")).encode("latin-1") for p in PATHS)
    expanded = re.sub(b"%.", lambda code: {b"%%": b"%", b"%F": quoted}[code[0]], line.encode())
    subprocess.run(["/bin/sh", "-c", expanded], check=True, timeout=patience(30))
    assert fake_photofind.calls() == [[b"similar", b"--open", b"--", *PATHS]]
    fake_photofind.forget()
    quoted = shlex.quote("/media/me/it's a CARD").encode()
    expanded = re.sub(b"%.", lambda code: {b"%%": b"%", b"%f": quoted}[code[0]], known.encode())
    subprocess.run(["/bin/sh", "-c", expanded], check=True, timeout=patience(30))
    assert fake_photofind.calls() == [[b"known", b"--open", b"--", b"/media/me/it's a CARD"]]
