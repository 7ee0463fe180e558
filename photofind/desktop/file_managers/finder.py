"""Finder (macOS): Quick Actions."""

from __future__ import annotations

import plistlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from photofind.desktop.command import Command
from photofind.desktop.file_managers.menu import KNOWN_LABEL, LABEL
from photofind.desktop.integration import MARK, OwnFile, OwnFiles

__all__ = ["Finder"]


class Finder(OwnFiles):
    """Automator workflows that Finder offers for images and for folders."""

    name = "finder"
    title = "Finder"
    where = f"right-click a photo, Quick Actions > {LABEL}"

    def is_present(self) -> bool:
        """Return whether this is macOS, where Finder is always there."""
        return sys.platform == "darwin"

    def files(self) -> Mapping[Path, OwnFile]:
        """Return two property lists for each of the workflows, for photos and for a folder."""
        return {
            **_files(LABEL, self.command.similar, "public.image", "image"),
            **_files(KNOWN_LABEL, self.command.known, "public.folder", "folder"),
        }


def _files(label: str, command: Command, kind: str, kind_of_automator: str) -> dict[Path, OwnFile]:
    """Return the property lists of a workflow that runs a command with what is selected."""
    contents = Path.home() / f"Library/Services/{label}.workflow/Contents"
    script = f'exec {command.for_shell()} "$@"\n'
    return {
        contents / "Info.plist": _property_list(_information(label, kind)),
        contents / "document.wflow": _property_list(_workflow(script, kind_of_automator)),
    }


def _information(label: str, kind: str) -> dict[str, Any]:
    service = {
        "NSMenuItem": {"default": label},
        "NSMessage": "runWorkflowAsService",
        "NSRequiredContext": {"NSApplicationIdentifier": "com.apple.finder"},
        "NSSendFileTypes": [kind],
    }
    return {"NSServices": [service]}


def _workflow(script: str, kind: str) -> dict[str, Any]:
    """Return the document of a workflow that runs a shell script with the files as arguments."""
    files = {"Container": "List", "Optional": False, "Types": ["com.apple.cocoa.string"]}
    action = {
        "AMAccepts": files | {"Optional": True},
        "AMActionVersion": "2.0.3",
        "AMApplication": ["Automator"],
        "AMProvides": {"Container": "List", "Types": ["com.apple.cocoa.string"]},
        "ActionBundlePath": "/System/Library/Automator/Run Shell Script.action",
        "ActionName": "Run Shell Script",
        "ActionParameters": {
            "CheckedForUserDefaultShell": True,
            "COMMAND_STRING": script,
            "inputMethod": 1,  # As arguments; 0 is stdin.
            "shell": "/bin/sh",
            "source": "",
        },
        "BundleIdentifier": "com.apple.RunShellScript",
        "CFBundleVersion": "2.0.3",
        "CanShowSelectedItemsWhenRun": False,
        "CanShowWhenRun": True,
        "Class Name": "RunShellScriptAction",
    }
    return {
        "AMApplicationVersion": "2.10",
        "AMDocumentVersion": "2",
        "actions": [{"action": action, "isViewVisible": 1}],
        "connectors": {},
        "workflowMetaData": {
            "serviceApplicationBundleID": "com.apple.finder",
            "serviceInputTypeIdentifier": f"com.apple.Automator.fileSystemObject.{kind}",
            "serviceOutputTypeIdentifier": "com.apple.Automator.nothing",
            "serviceProcessesInput": 0,
            "workflowTypeIdentifier": "com.apple.Automator.servicesMenu",
        },
    }


def _property_list(content: dict[str, Any]) -> OwnFile:
    return OwnFile(plistlib.dumps({"Comment": MARK} | content))
