"""``photofind demo``."""

from __future__ import annotations

import click

from photofind.cli.index import index_with_progress
from photofind.cli.output import note, print_json, print_table

__all__ = ["demo"]


@click.command(short_help="Try photofind on a few sample photos.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def demo(as_json: bool) -> None:
    """Try photofind on a few public-domain photos.

    The photos and edited variants of them are indexed into a separate library. Your own library is
    not touched.
    """
    from photofind.app.demo import make_photos
    from photofind.app.photofind import PhotoFind
    from photofind.model import Query
    from photofind.paths import Home

    home = Home.default()
    photos, query = make_photos(home.demo / "photos")
    with PhotoFind(Home(home.demo / "library")) as photofind:
        photofind.add_folder(str(photos))
        note(f"Indexing sample photos and edited variants of them in {photos}")
        report = index_with_progress(photofind, [str(photos)])
        answer = photofind.similar(Query(like=(str(query),), limit=8, every=True))
    if as_json:
        print_json({"photos": report.found, "query": str(query), "hits": answer.hits})
        return
    took = f"{answer.seconds * 1000:.0f} ms"
    note("", f"The photos most similar to {query.name}, out of {answer.photos}, found in {took}:")
    print_table(
        ("#", "score", "photo"),
        ((str(hit.rank), f"{hit.score:.2f}", hit.path) for hit in answer.hits),
    )
    note(
        "",
        "Now try your own photos:",
        "  photofind folders add ~/Pictures",
        "  photofind index",
        "  photofind similar ~/Pictures/some-photo.jpg",
    )
