"""``photofind extractors``."""

from __future__ import annotations

import click

from photofind.cli.output import print_json, print_table

__all__ = ["extractors"]


@click.group(
    invoke_without_command=True,
    epilog="""\b
Examples:
  photofind extractors
  photofind extractors --json""",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@click.pass_context
def extractors(context: click.Context, as_json: bool) -> None:
    """List the extractors that are installed, and what is wrong with those that do not work."""
    if not context.invoked_subcommand:
        _print_extractors(as_json)


@extractors.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_extractors(as_json: bool) -> None:
    """List the extractors that are installed."""
    _print_extractors(as_json)


def _print_extractors(as_json: bool) -> None:
    from photofind.photofind import PhotoFind

    with PhotoFind() as photofind:
        installed = photofind.extractors()
    if as_json:
        print_json(installed)
        return
    print_table(
        ("extractor", "version", "dimension", "from", "state"),
        (
            (
                extractor.name + (" *" if extractor.in_use else ""),
                extractor.version or "",
                str(extractor.dimension or ""),
                extractor.distribution,
                extractor.error or f"works, {extractor.photos} photos",
            )
            for extractor in installed
        ),
    )
