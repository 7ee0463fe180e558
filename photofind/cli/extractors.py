"""``photofind extractors``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from photofind.cli.connection import connected
from photofind.cli.group import ListingGroup
from photofind.cli.output import note, print_json, print_table
from photofind.cli.parameters import AbsolutePath, complete_extractor, picture_size
from photofind.model.counted import counted

if TYPE_CHECKING:
    from photofind.model import ExtractorStatus
    from photofind.operations import Operations

__all__ = ["extractors"]


@click.group(
    cls=ListingGroup,
    short_help="List, choose, add and check extractors.",
    epilog="""\b
Examples:
  photofind extractors
  photofind extractors use efficientnet-lite0
  photofind extractors use mobilenet,efficientnet-lite0
  photofind extractors add flowers flowers.keras --layer features
  photofind extractors check flowers""",
)
def extractors() -> None:
    """List, choose, add and check extractors.

    An extractor turns a photo into an embedding, the vector by which photos are compared.
    """


@extractors.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_all(as_json: bool) -> None:
    """List the installed extractors and their errors (the default command).

    An asterisk marks the extractors in use.
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
                _state(extractor),
            )
            for extractor in installed
        ),
    )


def _state(extractor: ExtractorStatus) -> str:
    if extractor.loading:
        return "loading"
    where = f" on {extractor.device}" if extractor.device else ""
    bases = ", ".join(extractor.derives_from)
    derived = f", derived from {bases}" if bases else ""
    return extractor.error or f"works{where}, {counted(extractor.photos, 'photo')}{derived}"


@extractors.command()
@click.argument("names", metavar="NAME[,NAME...]", shell_complete=complete_extractor)
@click.option("--yes", is_flag=True, help="Use a trained model that failed its tests, too.")
def use(names: str, yes: bool) -> None:
    """Compare photos with an extractor, or with several together.

    Separate several with commas, with optional weights: "a,b" or "a=2,b=1". Until a new extractor
    has embedded nearly all photos, the old one answers; no embedding is ever deleted. An extractor
    that does not work is refused, and one that was trained and finds other photos worse than before
    is used by itself with --yes alone.
    """
    from photofind.model.extractor_choice import parse_extractors

    with connected() as photofind:
        wanted = [*parse_extractors(names)]
        _check_installed(wanted)
        _check_working(wanted)
        _check_trained(wanted, yes=yes)
        before = _in_use(photofind)
        photofind.set_setting("extractor", names)
        # The previous ones keep embedding new photos: they answer until the others can.
        others = [name for name in before if name not in wanted]
        photofind.set_setting("also", ",".join(others))
        daemon_runs = photofind.status().daemon is not None
    note(f"photos are compared with {names} from now on")
    _note_remaining_work(daemon_runs)
    if others:
        note(
            f"{', '.join(others)} still embeds new photos; "
            "`photofind extractors disable` stops that"
        )


@extractors.command()
@click.argument("name", shell_complete=complete_extractor)
def enable(name: str) -> None:
    """Embed all photos with this extractor too, in the background."""
    with connected() as photofind:
        _check_installed([name])
        _, also = _setting(photofind)
        if name not in _in_use(photofind):
            photofind.set_setting("also", ",".join([*also, name]))
        daemon_runs = photofind.status().daemon is not None
    note(f"{name} embeds the photos too; `photofind similar --extractor {name}` compares with it")
    _note_remaining_work(daemon_runs)


@extractors.command()
@click.argument("name", shell_complete=complete_extractor)
def disable(name: str) -> None:
    """Stop embedding photos with this extractor; its embeddings are kept.

    An extractor in use cannot be disabled: switch to another one first.
    """
    from photofind.errors import ExtractorError
    from photofind.model.extractor_choice import parse_extractors

    with connected() as photofind:
        extractor, also = _setting(photofind)
        if name in parse_extractors(extractor):
            raise ExtractorError(
                f"{name} is in use", "switch to another one first: `photofind extractors use NAME`"
            )
        if name not in also:
            raise ExtractorError(
                f"{name} is not enabled", "`photofind extractors` lists the installed ones"
            )
        photofind.set_setting("also", ",".join(other for other in also if other != name))
    note(f"{name} no longer embeds photos; its embeddings are kept")


def _setting(photofind: Operations) -> tuple[str, tuple[str, ...]]:
    """Return the settings ``extractor`` and ``also``."""
    return photofind.settings.extractor, photofind.settings.also


def _in_use(photofind: Operations) -> list[str]:
    from photofind.model.extractor_choice import parse_extractors

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


def _check_working(names: list[str]) -> None:
    """Load extractors, unless they are known to work as they are installed."""
    from photofind.extractors.extraction import Extraction
    from photofind.extractors.probe_cache import fingerprint, load_probes
    from photofind.extractors.registry import installed
    from photofind.paths import Home

    home = Home.default()
    known = load_probes(home)
    for plugin in installed(home):
        if plugin.name in names and fingerprint(plugin) not in known:
            with Extraction(plugin.name, home=home, start_seconds=60.0) as extraction:
                extraction.info()


def _check_trained(names: list[str], *, yes: bool) -> None:
    """Ask before a trained model that failed its tests ranks all photos by itself."""
    from photofind.learning.training.card import refusals
    from photofind.paths import Home

    remarks = refusals(Home.default(), names)
    if not remarks:
        return
    note(*remarks)
    if yes:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise click.UsageError(
            f"{', '.join(names)} failed the tests of its training: use it beside another one "
            f"(mobilenet,{names[0]}), by name (`photofind extractors enable {names[0]}`), "
            "or give --yes"
        )
    click.confirm("Use it for all photos all the same?", abort=True, err=True)


def _note_remaining_work(daemon_runs: bool) -> None:
    note(
        "the remaining photos are being embedded in the background"
        if daemon_runs
        else "run `photofind index` to embed the remaining photos"
    )


@extractors.command()
@click.argument("name")
@click.argument("model", type=AbsolutePath())
@click.option("--layer", metavar="LAYER", help="Use the output of this layer instead of the last.")
@click.option("--input", "input_size", type=picture_size, metavar="HEIGHTxWIDTH",
              help="Input size, for a model that takes any size.")  # fmt: skip
@click.option("--preprocess", type=click.Choice(["mobilenet", "imagenet", "unit", "none"]),
              default="mobilenet", show_default=True,
              help="Scale pixels to -1..1, by ImageNet's mean, to 0..1, or not.")  # fmt: skip
@click.option("--pooling", type=click.Choice(["avg", "max", "gem"]),
              default="avg", show_default=True,
              help="How to pool a feature map into a vector.")  # fmt: skip
@click.option("--yes", is_flag=True, help="Do not ask before replacing a model of that name.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def add(
    name: str,
    model: str,
    layer: str | None,
    input_size: tuple[int, int] | None,
    preprocess: str,
    pooling: str,
    yes: bool,
    as_json: bool,
) -> None:
    """Add a saved Keras model as an extractor called NAME.

    MODEL is a .keras file, the folder of a SavedModel, or an .h5 file. photofind keeps a copy of
    it. Layers with code of their own are refused.
    """
    from photofind.extractors.add_model import add_model
    from photofind.extractors.models import Model, list_models
    from photofind.paths import Home

    for present in list_models(Home.default()):
        if present.name == name and not yes:
            if sys.stdin is None or not sys.stdin.isatty():
                raise click.UsageError(
                    f"there is an extractor {name} already, of {present.source}: "
                    "give --yes to replace it"
                )
            click.confirm(f"Replace {name}, of {present.source}?", abort=True, err=True)
    wanted = Model(name, model, "", input_size, layer, preprocess, pooling)
    added = add_model(Home.default(), wanted, lambda phase: note(f"{phase} ..."))
    note(*(f"warning: {warning}" for warning in added.warnings))
    if as_json:
        print_json(added)
        return
    height, width = added.input_size
    runs = added.engine + (f" ({added.reason})" if added.reason else "")
    note(
        f"added {name}: pictures of {height}x{width}, {added.model.dimension} numbers each, "
        f"runs on {runs}",
        f"  to use it: photofind extractors use {name}",
    )


@extractors.command()
@click.argument("name", shell_complete=complete_extractor)
def remove(name: str) -> None:
    """Remove an extractor that was added from a model, or trained.

    The embeddings are kept, and the file that was added too.
    """
    from photofind.extractors.add_model import remove_model
    from photofind.paths import Home

    model = remove_model(Home.default(), name)
    kept = f"; what was added, {model.origin}, is kept" if model.origin else ""
    note(f"removed the extractor {name}{kept}")


@extractors.command()
@click.argument("name", shell_complete=complete_extractor)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def info(name: str, as_json: bool) -> None:
    """Show what an extractor does and needs."""
    from dataclasses import asdict

    from photofind.cli.train import print_card
    from photofind.extractors.derived import DerivableExtraction
    from photofind.extractors.registry import installed
    from photofind.learning.training.card import read_card
    from photofind.paths import Home

    home = Home.default()
    with DerivableExtraction(name, home=home) as extraction:
        details = asdict(extraction.info())
    plugin = next(plugin for plugin in installed(home) if plugin.name == name)
    details |= {"target": plugin.target, "distribution_version": plugin.distribution_version}
    card = read_card(home, name)
    if as_json:
        print_json(details | {"training": card})
        return
    height, width = details["input_size"]
    derives_from = ", ".join(details["derives_from"])
    rows = {
        "name": name,
        "version": details["version"],
        "vectors": f"{details['dimension']} numbers",
        "pictures": (
            f"none: derived from {derives_from}" if derives_from else f"{height} x {width} pixels"
        ),
        "abilities": ", ".join(details["abilities"]) or "none",
        "runs on": ", ".join(
            filter(None, (details["engine"] or "its own code", details["device"]))
        ),
        "from": f"{plugin.distribution} {plugin.distribution_version}".strip(),
        "made by": plugin.target,
    }
    print_table(("", ""), rows.items())
    if card:
        print_card(card)


@extractors.command()
@click.argument("name", shell_complete=complete_extractor)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@click.pass_context
def check(context: click.Context, name: str, as_json: bool) -> None:
    """Check that an extractor follows the protocol, and measure its speed and memory.

    The exit code is 1 if a check fails.
    """
    from photofind.testing.service import run_in_worker

    note(f"checking {name} ...")
    report = run_in_worker(name)
    if as_json:
        print_json(report)
    else:
        print_table(
            ("check", "state", "promise"),
            (
                (result.check.replace("_", " "), result.state, result.reason or result.promise)
                for result in report.results
                if result.state != "not run"
            ),
        )
        if left_out := [result.reason for result in report.results if result.state == "not run"]:
            note(f"{len(left_out)} checks were not run: {left_out[0]}")
        if context.find_root().params.get("debug"):
            note(*(line for one in report.results for line in one.details.splitlines()))
        if figures := report.figures:
            note(
                f"{figures.pictures_per_second:g} pictures/s, {figures.megabytes:g} MB of memory, "
                f"loaded in {figures.load_seconds:g} s, {figures.bytes_per_photo} bytes per photo"
            )
    context.exit(int(any(result.state == "broken" for result in report.results)))
