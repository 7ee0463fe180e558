"""Explorer's verbs, in a fake registry."""

from __future__ import annotations

import pytest

from photofind.desktop.command import Command
from photofind.desktop.file_managers.explorer import Explorer
from photofind.desktop.integration import State
from photofind.images.formats import PHOTO_SUFFIXES

CLASSES = r"Software\Classes\SystemFileAssociations"


class FakeRegistry:
    """Keys with values; creating a key creates its parents, as on Windows."""

    def __init__(self) -> None:
        self.tree: dict[str, dict[str, str]] = {r"Software\Classes": {}}

    def value(self, key: str, name: str) -> str | None:
        return self.tree.get(key, {}).get(name)

    def set_value(self, key: str, name: str, value: str) -> None:
        parts = key.split("\\")
        for count in range(1, len(parts) + 1):
            self.tree.setdefault("\\".join(parts[:count]), {})
        self.tree[key][name] = value

    def is_empty(self, key: str) -> bool:
        return self.tree.get(key) == {} and not self._below(key)

    def remove_key(self, key: str) -> None:
        assert not self._below(key), "Windows refuses that"
        del self.tree[key]

    def remove_value(self, key: str, name: str) -> None:
        del self.tree[key][name]

    def _below(self, key: str) -> list[str]:
        return [other for other in self.tree if other.startswith(key + "\\")]


@pytest.fixture
def registry() -> FakeRegistry:
    registry = FakeRegistry()
    registry.set_value(rf"{CLASSES}\.jpg\shell\other", "", "Edit with another")
    registry.set_value(rf"{CLASSES}\.png", "PerceivedType", "image")
    registry.set_value(rf"{CLASSES}\.mp3\shell", "", "play")
    return registry


def explorer(
    registry: FakeRegistry, program: str = r"C:\Program Files\photofind\photofind.exe"
) -> Explorer:
    return Explorer(Command((program,)), registry)


def test_every_kind_of_photo_gets_a_verb_for_any_number_of_files(registry: FakeRegistry) -> None:
    assert explorer(registry).install()
    for suffix in PHOTO_SUFFIXES:
        verb = rf"{CLASSES}\{suffix}\shell\photofind.similar"
        assert registry.value(verb, "") == "Find similar photos"
        assert registry.value(verb, "MultiSelectModel") == "Player"
        assert (registry.value(verb, "Icon") or "").endswith("photofind.ico")
        assert registry.value(rf"{verb}\command", "") == (
            r'"C:\Program Files\photofind\photofind.exe" similar --open --gather -- "%1"'
        )


def test_removing_keeps_other_keys(registry: FakeRegistry) -> None:
    before = {key: dict(values) for key, values in registry.tree.items()}
    there = explorer(registry)
    assert there.status() is State.ABSENT
    there.install()
    installed = {key: dict(values) for key, values in registry.tree.items()}
    assert there.status() is State.INSTALLED
    assert not there.install()
    assert registry.tree == installed
    assert there.remove()
    assert there.status() is State.ABSENT
    assert not there.remove()
    assert registry.tree == before


def test_foreign_values_under_the_verb_are_kept(registry: FakeRegistry) -> None:
    there = explorer(registry)
    there.install()
    verb = rf"{CLASSES}\.gif\shell\photofind.similar"
    registry.set_value(verb, "Position", "Top")
    there.remove()
    assert registry.tree[verb] == {"Position": "Top"}
    assert rf"{verb}\command" not in registry.tree


def test_another_photofind_is_outdated_and_is_replaced(registry: FakeRegistry) -> None:
    explorer(registry, r"D:\old.exe").install()
    assert explorer(registry).status() is State.OUTDATED
    assert explorer(registry).install()
    assert explorer(registry).status() is State.INSTALLED
