"""``photofind extractors``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from photofind.cli.connection import connected
from photofind.cli.group import ListingGroup
from photofind.cli.output import note, print_json, print_table
from photofind.cli.parameters import AbsolutePath, complete_extractor, picture_size

if TYPE_CHECKING:
    from photofind.operations import Operations

__all__ = ["extractors"]


@click.group(
    cls=ListingGroup,
    short_help="List the extractors that are installed, and choose among them.",
    epilog="""\b
Examples:
  photofind extractors
  photofind extractors use efficientnet-lite0
  photofind extractors use mobilenet,efficientnet-lite0
  photofind extractors add flowers flowers.keras --layer features
  photofind extractors check flowers""",
)
def extractors() -> None:
    """List the extractors that are installed, and what is wrong with those that do not work.

    An extractor turns a photo into the vector that it is compared by.
    """


@extractors.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_all(as_json: bool) -> None:
    """List the extractors (also without a command).

    A star is at the one in use.
    """
    with connected() as photofind:
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


@extractors.command()
@click.argument("names", metavar="NAME[,NAME...]", shell_complete=complete_extractor)
def use(names: str) -> None:
    """Compare photos by this extractor, or by several together.

    Several are named with commas, and weights if wanted: "a,b" or "a=2,b=1". Until a new one has
    described nearly all photos, the old one answers; no finished vector is ever thrown away.
    """
    from photofind.extractors.registry import parse_extractors

    with connected() as photofind:
        wanted = [*parse_extractors(names)]
        _check_installed(wanted)
        before = _in_use(photofind)
        photofind.set_setting("extractor", names)
        # What was in use goes on describing what is new: it answers until the others can.
        others = [name for name in before if name not in wanted]
        photofind.set_setting("also", ",".join(others))
        by_itself = photofind.status().daemon is not None
    note(f"photos are compared by {names} from now on")
    _tell_of_work(by_itself)
    if others:
        note(
            f"{', '.join(others)} still describes new photos; "
            "`photofind extractors disable` ends that"
        )


@extractors.command()
@click.argument("name", shell_complete=complete_extractor)
def enable(name: str) -> None:
    """Have an extractor describe all photos too, in the background, beside the one in use."""
    with connected() as photofind:
        _check_installed([name])
        _, also = _setting(photofind)
        if name not in _in_use(photofind):
            photofind.set_setting("also", ",".join([*also, name]))
        by_itself = photofind.status().daemon is not None
    note(f"{name} describes the photos too; `photofind similar --extractor {name}` compares by it")
    _tell_of_work(by_itself)


@extractors.command()
@click.argument("name", shell_complete=complete_extractor)
def disable(name: str) -> None:
    """Have an extractor describe no more photos; what it described stays.

    Not the one in use: use another one first.
    """
    from photofind.errors import ExtractorError
    from photofind.extractors.registry import parse_extractors

    with connected() as photofind:
        extractor, also = _setting(photofind)
        if name in parse_extractors(extractor):
            raise ExtractorError(f"{name} is in use", "`photofind extractors use` another first")
        if name not in also:
            raise ExtractorError(
                f"{name} is not enabled", "`photofind extractors` lists what is installed"
            )
        photofind.set_setting("also", ",".join(one for one in also if one != name))
    note(f"{name} describes no more photos; its vectors stay")


def _setting(photofind: Operations) -> tuple[str, tuple[str, ...]]:
    """Return the settings ``extractor`` and ``also``."""
    return photofind.settings.extractor, photofind.settings.also


def _in_use(photofind: Operations) -> list[str]:
    from photofind.extractors.registry import parse_extractors

    extractor, also = _setting(photofind)
    return [*dict.fromkeys([*parse_extractors(extractor), *also])]


def _check_installed(names: list[str]) -> None:
    from photofind.errors import ExtractorError
    from photofind.extractors.registry import installed

    known = {plugin.name for plugin in installed()}
    for name in names:
        if name not in known:
            raise ExtractorError(
                f"there is no extractor {name!r}", f"installed: {', '.join(sorted(known))}"
            )


def _tell_of_work(by_itself: bool) -> None:
    note(
        "photos that it has not described yet are read in the background"
        if by_itself
        else "`photofind index` has it describe the photos that it has not described yet"
    )


@extractors.command()
@click.argument("name")
@click.argument("model", type=AbsolutePath())
@click.option("--layer", metavar="LAYER", help="Take the output of this layer, not the last.")
@click.option("--input", "input_size", type=picture_size, metavar="HEIGHTxWIDTH",
              help="The size of its pictures, for a model that takes any.")  # fmt: skip
@click.option("--preprocess", type=click.Choice(["mobilenet", "imagenet", "unit", "none"]),
              default="mobilenet", show_default=True,
              help="Pixels become -1 to 1; ImageNet's mean 0; 0 to 1; or stay.")  # fmt: skip
@click.option("--pooling", type=click.Choice(["avg", "max", "gem"]),
              default="avg", show_default=True,
              help="How a feature map becomes a vector.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def add(
    name: str,
    model: str,
    layer: str | None,
    input_size: tuple[int, int] | None,
    preprocess: str,
    pooling: str,
    as_json: bool,
) -> None:
    """Make a saved Keras model an extractor called NAME.

    MODEL is a .keras file, the folder of a SavedModel, or an .h5 file. It stays where it is, and
    has to stay as it is. Layers that hold code of their own are not run.
    """
    from photofind.extractors.add_model import add
    from photofind.extractors.models import Model
    from photofind.paths import Home

    wanted = Model(name, model, "", input_size, layer, preprocess, pooling)
    added = add(Home.default(), wanted, lambda phase: note(f"{phase} ..."))
    note(*(f"warning: {warning}" for warning in added.warnings))
    if as_json:
        print_json(added)
        return
    height, width = added.input_size
    runs = added.engine + (f", since {added.reason}" if added.reason else "")
    note(
        f"{name} describes pictures of {height}x{width} by {added.model.dimension} numbers; "
        f"it runs on {runs}",
        f"  to use it: photofind extractors use {name}",
    )


@extractors.command()
@click.argument("name", shell_complete=complete_extractor)
def remove(name: str) -> None:
    """Let a model that was added no longer be an extractor.

    The model stays where it is, and so does what it has described.
    """
    from photofind.extractors.add_model import remove
    from photofind.paths import Home

    note(f"{name} is no extractor any more; its model {remove(Home.default(), name).path} stays")


@extractors.command()
@click.argument("name", shell_complete=complete_extractor)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def info(name: str, as_json: bool) -> None:
    """Tell what an extractor says of itself."""
    from dataclasses import asdict

    from photofind.extractors.extraction import Extraction
    from photofind.extractors.registry import installed
    from photofind.paths import Home

    home = Home.default()
    with Extraction(name, home=home) as extraction:
        described = asdict(extraction.describe())
    plugin = next(one for one in installed(home) if one.name == name)
    described |= {"target": plugin.target, "distribution_version": plugin.distribution_version}
    if as_json:
        print_json(described)
        return
    height, width = described["input_size"]
    rows = {
        "name": name,
        "version": described["version"],
        "vectors": f"{described['dimension']} numbers",
        "pictures": f"{height} x {width} pixels",
        "abilities": ", ".join(described["abilities"]) or "none",
        "runs on": described["engine"] or "its own code",
        "from": f"{plugin.distribution} {plugin.distribution_version}".strip(),
        "made by": plugin.target,
    }
    print_table(("", ""), rows.items())


@extractors.command()
@click.argument("name", shell_complete=complete_extractor)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@click.pass_context
def check(context: click.Context, name: str, as_json: bool) -> None:
    """Check that an extractor keeps the promises of the protocol, and what it costs.

    The exit code is 1 where it breaks one.
    """
    from photofind.testing.service import run_in_worker

    note(f"checking {name} ...")
    checked = run_in_worker(name)
    if as_json:
        print_json(checked)
    else:
        print_table(
            ("check", "state", "promise"),
            (
                (one.check.replace("_", " "), one.state, one.reason or one.promise)
                for one in checked.results
            ),
        )
        figures = checked.figures
        note(
            f"{figures.pictures_per_second:g} pictures a second, {figures.megabytes:g} MB, "
            f"loaded in {figures.load_seconds:g} s, {figures.bytes_per_photo} bytes a photo"
        )
    context.exit(int(any(one.state == "broken" for one in checked.results)))
