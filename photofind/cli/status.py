"""``photofind status``."""

from __future__ import annotations

import click

from photofind.cli.output import print_json, print_table

__all__ = ["status"]


@click.command(
    short_help="Say how the library is, and how it answers.",
    epilog="""\b
Examples:
  photofind status
  photofind status --json | jq .photos""",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def status(as_json: bool) -> None:
    """Say how the library is: photos, folders, failures, and how it answers."""
    from photofind.photofind import PhotoFind

    with PhotoFind() as photofind:
        state = photofind.status()
    if as_json:
        print_json(state)
        return
    print_table(
        ("", ""),
        [
            (
                "photos",
                f"{state.photos:,} indexed, {state.pending:,} pending, {state.failed:,} failed",
            ),
            *(
                ("folder", f"{f.path}: {f.photos:,} photos, {f.state}{_because(f.reason)}")
                for f in state.folders
            ),
            ("extractor", state.extractor),
            ("answers", state.search.explanation),
            ("library", f"{state.home}, {state.bytes / 1e6:,.1f} MB"),
            *(("problem", problem) for problem in state.problems),
        ],
    )


def _because(reason: str | None) -> str:
    return f" ({reason})" if reason else ""
