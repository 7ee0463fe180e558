"""Draws the picture in the README: real queries and their real hits, from `photofind demo`.

photofind demo && python docs/make_picture.py
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from photofind.app.photofind import PhotoFind
from photofind.model import Query
from photofind.paths import Home

QUERIES = ("chelsea-seen-elsewhere.jpg", "photos/coffee-tilted.jpg", "photos/rocket-small.jpg")
HITS = 6
CELL, GAP, TEXT = 150, 12, 24
INK, PAPER, ACCENT = "#1d2530", "#f7f5f0", "#c2571a"


def main() -> None:
    demo = Home.default().demo
    width = GAP + (HITS + 1) * (CELL + GAP) + GAP
    sheet = Image.new("RGB", (width, GAP + len(QUERIES) * (CELL + TEXT + GAP)), PAPER)
    draw = ImageDraw.Draw(sheet)
    with PhotoFind(Home(demo / "library")) as photofind:
        for row, query in enumerate(QUERIES):
            answer = photofind.similar(Query((str(demo / query),), limit=HITS, every=True))
            top = GAP + row * (CELL + TEXT + GAP)
            cells = [(demo / query, "like this", ACCENT)]
            cells += [(Path(hit.path), f"{hit.score:.2f}", INK) for hit in answer.hits]
            for column, (path, text, colour) in enumerate(cells):
                left = GAP + column * (CELL + GAP) + (GAP if column else 0)
                with Image.open(path) as photo:
                    sheet.paste(ImageOps.fit(photo.convert("RGB"), (CELL, CELL)), (left, top))
                if not column:
                    frame = (left - 3, top - 3, left + CELL + 2, top + CELL + 2)
                    draw.rectangle(frame, outline=ACCENT, width=3)
                draw.text((left, top + CELL + 4), text, fill=colour, font_size=16)
    sheet.save(Path(__file__).parent / "images/picture.jpg", quality=88)


if __name__ == "__main__":
    main()
