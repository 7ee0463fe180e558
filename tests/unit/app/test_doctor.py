"""Each check of the doctor stands for itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace

import pytest

from photofind.app import doctor
from photofind.app.photofind import PhotoFind
from photofind.errors import LibraryError, PhotofindError
from photofind.library.memory import MemoryStore
from photofind.library.stores import open_store
from photofind.model import Check
from photofind.model.records import Folder
from photofind.paths import Home, private_folder
from photofind.settings import Settings, load_settings
from photofind.system.reach import Reach
from photofind.words import text_file
from photofind.words.text_index import TextIndex


class Damaged(MemoryStore):
    """A library that cannot be checked."""

    def check(self, *, repair: bool = False) -> Iterator[Check]:
        yield Check("catalog", "ok", "it can be read")
        raise LibraryError("the drive does not answer", "replace it")


def test_the_others_are_made_if_one_check_cannot(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> Check:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(doctor, "_privacy", refuse)
    library = Damaged()
    library.put_folder(Folder("/nowhere", added=0.0))
    checks = doctor.examine(home, lambda: nullcontext(library), lambda: None, Reach(), repair=False)
    found = {check.name: check for check in checks}
    assert [*found] == [
        *("files", "settings", "permissions", "disk", "catalog", "library", "extractor"),
        "folder /nowhere",
    ]
    assert found["permissions"].state == "broken"
    assert "Input/output error" in found["permissions"].message
    assert (found["library"].state, found["library"].advice) == ("broken", "replace it")


def test_a_text_index_that_is_locked_is_told_of_and_kept(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    private_folder(home.root)
    library = MemoryStore()
    library.put_folder(Folder("/nowhere", added=0.0))
    TextIndex(home.words).update(library)
    monkeypatch.setattr(text_file, "BUSY_SECONDS", 0.0)
    holder = sqlite3.connect(home.words, isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    checks = doctor.examine(home, lambda: nullcontext(library), lambda: None, Reach(), repair=True)
    (found,) = [check for check in checks if check.name == "text index"]
    holder.close()
    assert found.state == "broken"
    assert "another process holds" in found.message
    assert home.words.exists()


def test_settings_and_rules_that_cannot_be_used_are_named_and_left_out(home: Home) -> None:
    private_folder(home.root)
    home.settings.write_text("hits = 7\nexclude = ['a[', '*.png']\n")
    with PhotoFind(home) as photofind:
        photofind.add_folder(str(home.root.parent), excludes=["*.gif"])
    with open_store(home, writable=True) as library:
        (folder,) = library.folders()
        library.put_folder(replace(folder, excludes=("IMG_[9-0].jpg", "*.gif")))
    with PhotoFind(home) as photofind:
        for problems in (photofind.problems, photofind.status().problems):
            assert "'a[' is not an exclude rule: a [ has no ]" in problems[0]
            assert "'IMG_[9-0].jpg'" in problems[1]
            assert "bad character range 9-0" in problems[1]

    def found(state: str, *, repair: bool) -> list[str]:
        with open_store(home, writable=True) as library:
            checks = doctor.examine(
                home, lambda: nullcontext(library), lambda: None, Reach(), repair=repair
            )
            return [check.name for check in checks if check.state == state]

    wrong = ["settings", f"exclude rules of {folder.path}"]
    assert found("broken", repair=False) == wrong
    assert found("repaired", repair=True) == wrong
    assert found("broken", repair=False) == []
    with PhotoFind(home) as photofind:
        assert photofind.problems == []
        assert photofind.folders()[0].excludes == ("*.gif",)
    assert load_settings(home.settings) == Settings(hits=7, exclude=("*.png",))


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("extractor", "mobilnet", "there is no extractor 'mobilnet'"),
        ("extractor", "mobilenet=x", "is not a list of extractors"),
        ("also", "nothing", "there is no extractor 'nothing'"),
        ("store", "embeded", "the engine 'embeded', which is not installed"),
    ],
)
def test_what_a_setting_names_has_to_be_installed(
    home: Home, name: str, value: str, told: str
) -> None:
    with PhotoFind(home) as photofind, pytest.raises(PhotofindError, match=told):
        photofind.set_setting(name, value)
    assert not home.settings.exists()
