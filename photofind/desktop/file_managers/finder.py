"""Finder (macOS): a Quick Action."""

from __future__ import annotations

import plistlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from photofind.desktop.file_managers.menu import LABEL
from photofind.desktop.integration import MARK, OwnFile, OwnFiles

__all__ = ["Finder"]


class Finder(OwnFiles):
    """An Automator workflow that Finder offers for images."""

    name = "finder"
    title = "Finder"
    where = f"right-click a photo, Quick Actions > {LABEL}"

    def is_present(self) -> bool:
        """Return whether this is macOS, where Finder is always there."""
        return sys.platform == "darwin"

    def files(self) -> Mapping[Path, OwnFile]:
        """Return the workflow's two property lists."""
        contents = Path.home() / f"Library/Services/{LABEL}.workflow/Contents"
        return {
            contents / "Info.plist": _property_list(_INFORMATION),
            contents / "document.wflow": _property_list(_workflow(self._script())),
        }

    def _script(self) -> str:
        return f'exec {self.command.similar.for_shell()} "$@"\n'


_INFORMATION = {
    "NSServices": [
        {
            "NSMenuItem": {"default": LABEL},
            "NSMessage": "runWorkflowAsService",
            "NSRequiredContext": {"NSApplicationIdentifier": "com.apple.finder"},
            "NSSendFileTypes": ["public.image"],
        }
    ]
}


def _workflow(script: str) -> dict[str, Any]:
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
            "serviceInputTypeIdentifier": "com.apple.Automator.fileSystemObject.image",
            "serviceOutputTypeIdentifier": "com.apple.Automator.nothing",
            "serviceProcessesInput": 0,
            "workflowTypeIdentifier": "com.apple.Automator.servicesMenu",
        },
    }


def _property_list(content: dict[str, Any]) -> OwnFile:
    return OwnFile(plistlib.dumps({"Comment": MARK} | content))
