"""``photofind train``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from photofind.cli.output import note, print_json, print_line, print_table, show_progress
from photofind.cli.parameters import AbsolutePath, complete_extractor

if TYPE_CHECKING:
    from photofind.learning.training.card import TrainingCard
    from photofind.learning.training.gate import Comparison
    from photofind.paths import Home

__all__ = ["print_card", "train"]


@click.command(
    short_help="Train an extractor on labelled photos.",
    epilog="""\b
Examples:
  photofind train ~/Pictures/birds --name birds
  photofind train labels.csv --method triplet --dimensions 64 --name mine
  photofind train --from-feedback --method siamese --name taste
  photofind train ~/Pictures/birds --fine-tune-layers 2 --name birds
  photofind train --list""",
)
@click.argument("source", metavar="[DIR]", required=False, type=AbsolutePath())
@click.option("--from-feedback", is_flag=True, help="Learn from what was liked and disliked.")
@click.option("--from-tags", is_flag=True,
              help="Learn from the keywords that people wrote into photos.")  # fmt: skip
@click.option("--name", metavar="NAME", help="Name of the extractor that comes of it.")
@click.option("--method", default="proxy", show_default=True,
              type=click.Choice(["proxy", "triplet", "siamese", "classifier", "autoencoder"]),
              help="What is learned; an autoencoder is only tested by the labels.")  # fmt: skip
@click.option("--dimensions", type=click.IntRange(2, 4096), default=128, show_default=True,
              help="Length of the new embeddings.")  # fmt: skip
@click.option("--mining", type=click.Choice(["semi-hard", "hard"]), default="semi-hard",
              show_default=True, help="Which negatives triplets are made with.")  # fmt: skip
@click.option("--fine-tune-layers", type=click.IntRange(1, 17), metavar="N",
              help="Train the last N blocks of the network too, which takes minutes.")  # fmt: skip
@click.option("--extractor", metavar="NAME", shell_complete=complete_extractor,
              help="Extractor to start from; by default the first in use.")  # fmt: skip
@click.option("--epochs", type=click.IntRange(1, 10_000),
              help="Passes over the photos; by default 50, through the network 12.")  # fmt: skip
@click.option("--split", "share", type=click.FloatRange(0.05, 0.5), default=0.2, show_default=True,
              help="Share of the photos of each class to hold out for the test.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True,
              help="Makes splits and training the same again.")  # fmt: skip
@click.option("--yes", is_flag=True, help="Do not ask before replacing a model of that name.")
@click.option("--list", "lists", is_flag=True, help="List what was trained, and its tests.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def train(
    source: str | None,
    from_feedback: bool,
    from_tags: bool,
    name: str | None,
    method: str,
    dimensions: int,
    mining: str,
    fine_tune_layers: int | None,
    extractor: str | None,
    epochs: int | None,
    share: float,
    seed: int,
    yes: bool,
    lists: bool,
    as_json: bool,
) -> None:
    """Train an extractor on photos that are labelled.

    DIR holds a folder of photos for each class; a CSV file of paths and labels does too. A head on
    stored embeddings is trained in seconds, and taken over by the library without reading a photo.

    The outcome is tested on photos that were held out, and on classes that were held out: a model
    usually finds what it was trained on better, and everything else worse. One that fails is kept,
    and used where it is asked for by name, or beside another. None is put into use by itself.

    Training through the network goes on after Ctrl-C from the last epoch, if started again.
    """
    from photofind.paths import Home

    home = Home.default()
    if lists:
        _list(home, as_json=as_json)
        return
    sources = [kind for kind, given in (("labels", source), ("feedback", from_feedback),
                                        ("tags", from_tags)) if given]  # fmt: skip
    if len(sources) != 1:
        raise click.UsageError("give either DIR, --from-feedback or --from-tags")
    if name is None:
        raise click.UsageError("give the new extractor a name with --name")
    _check_replacing(home, name, yes=yes)

    from photofind.app.training import TrainingRequest, train_extractor
    from photofind.learning.training.settings import settings_for

    layers = fine_tune_layers or 0
    settings = settings_for(
        method,
        dimensions=dimensions,
        mining=mining,
        seed=seed,
        epochs=epochs,
        fine_tune_layers=layers,
    )
    request = TrainingRequest(name, settings, source or "", sources[0], extractor, share)
    try:
        with show_progress() as progress:
            card = train_extractor(home, request, progress, lambda line: note(f"note: {line}"))
    except KeyboardInterrupt:
        if layers:
            note("the finished epochs are kept; the same command goes on from there")
        raise
    if as_json:
        print_json(card)
        return
    print_card(card, notes=False)
    note(*_advice(card))


def print_card(card: TrainingCard, *, notes: bool = True) -> None:
    """Print what a trained model is worth, and what is to be said of it."""
    dimensions = card.settings["dimensions"]
    print_table(
        ("mAP, %", "before", f"PCA {dimensions}", "after", "photos"),
        (
            _row("photos held out", card.held_out_photos),
            *([_row("classes held out", card.held_out_classes)] if card.held_out_classes else []),
            _row("photos trained on", card.training),
        ),
    )
    layers = card.settings["fine_tune_layers"]
    how = f"{card.method}, {dimensions} dimensions" + (f", {layers} blocks" if layers else "")
    print_line(
        f"trained {card.trained} on {card.photos - card.held_out:,} of {card.photos:,} photos of "
        f"{len(card.classes):,} classes ({card.source}): {how}, from {card.base}, "
        f"seed {card.settings['seed']}, {card.seconds:g} s"
    )
    if notes:
        for line in card.notes:
            print_line(f"note: {line}")
    for remark in card.remarks:
        print_line(f"warning: {remark}")


def _row(what: str, one: Comparison) -> tuple[str, ...]:
    def figure(kind: str) -> str:
        estimate = getattr(one, kind)
        return f"{100 * estimate.value:.1f} ({100 * estimate.low:.1f}-{100 * estimate.high:.1f})"

    return what, figure("before"), figure("pca"), figure("after"), f"{one.queries:,}"


def _advice(card: TrainingCard) -> list[str]:
    base, _, _ = card.base.partition("@")
    if card.passed:
        return [
            f"{card.name} passed both tests; to use it: photofind extractors use {card.name}",
        ]
    return [
        f"{card.name} is kept and not for general use: ask for it by name "
        f"(photofind extractors enable {card.name}; photofind similar --extractor {card.name}), "
        f"or use it beside {base} (photofind extractors use {base},{card.name})",
    ]


def _list(home: Home, *, as_json: bool) -> None:
    from photofind.learning.training.card import read_cards

    cards = read_cards(home)
    if as_json:
        print_json([*cards.values()])
        return

    def gain(one: Comparison | None) -> str:
        if one is None:
            return "unknown"
        return f"{100 * one.before.value:.1f} -> {100 * one.after.value:.1f}"

    print_table(
        ("extractor", "method", "dimensions", "from", "photos held out", "classes held out",
         "tests", "trained"),
        (
            (card.name, card.method, str(card.settings["dimensions"]), card.base,
             gain(card.held_out_photos), gain(card.held_out_classes),
             "passed" if card.passed else "failed", card.trained)
            for card in cards.values()
        ),
    )  # fmt: skip
    if begun := sorted(file.parent.name for file in home.training.glob("*/training")):
        note(f"not finished: {', '.join(begun)}; the same command as before goes on")


def _check_replacing(home: Home, name: str, *, yes: bool) -> None:
    from photofind.extractors.add_model import check_name

    present = check_name(home, name)
    if present is None or yes:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise click.UsageError(f"there is an extractor {name} already: give --yes to replace it")
    click.confirm(f"Replace {name}, of {present.source}?", abort=True, err=True)
