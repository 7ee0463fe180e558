"""Which copies `photofind duplicates` finds, and what it takes for copies, beside other programs.

Edited copies of some photos are put among the photos of a folder: of all kinds, of the folder's
last subfolder (one kind), and among documents, screenshots and blank pictures that it makes.
Prints the share of copies that are in one group with their original, in percent, and the pairs of
different pictures in one group. Others are tried where they are installed: imagehash, czkawka,
difPy.

    python benchmarks/duplicates.py DIR
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations
from pathlib import Path

from common import photos_below, print_figures, print_table, without_graphs
from copies import with_text
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from photofind.app.photofind import PhotoFind
from photofind.images.fingerprint import fingerprint_of
from photofind.paths import Home
from photofind.ranking.fingerprints import Fingerprints

Groups = Iterable[Iterable[str]]


def edits(image: Image.Image) -> Iterator[tuple[str, Image.Image, int]]:
    """Yield edited copies of a photo: the edit, the picture, and its JPEG quality."""
    width, height = image.size
    left, top = round(0.15 * width), round(0.15 * height)
    for quality in (20, 50):
        yield f"JPEG quality {quality}", image, quality
    for name, part in {"half": 2, "quarter": 4}.items():
        yield f"{name} the size", image.resize((width // part, height // part)), 90
    yield "brightness times 1.3", ImageEnhance.Brightness(image).enhance(1.3), 90
    yield "contrast times 0.6", ImageEnhance.Contrast(image).enhance(0.6), 90
    yield "saturation times 1.5", ImageEnhance.Color(image).enhance(1.5), 90
    yield "grey", image.convert("L"), 90
    yield "sharpened", image.filter(ImageFilter.UnsharpMask(2, 150)), 90
    yield "blurred", image.filter(ImageFilter.GaussianBlur(2)), 90
    yield "border of 5 %", ImageOps.expand(image, round(0.05 * width), "white"), 90
    yield "text across it", with_text(image), 90
    yield "mirrored", ImageOps.mirror(image), 90
    yield "turned by 90 degrees", image.transpose(Image.Transpose.ROTATE_90), 90
    yield "turned by 10 degrees", image.rotate(10, Image.Resampling.BICUBIC), 90
    yield "cropped to the middle 70 %", image.crop((left, top, width - left, height - top)), 90


def document(number: int) -> Image.Image:
    """Return a page of text, a screenshot of messages, or a nearly blank picture."""
    chance = random.Random(number)

    def words(count: int) -> str:
        letters = "abcdefghij klmnop qrstuv wxyz"
        return "".join(chance.choice(letters) for _ in range(count))

    if number % 8 == 7:
        noise = Image.effect_noise((800, 600), chance.uniform(1, 6))
        return noise.convert("RGB")
    page = Image.new("RGB", (1000, 1400), "white")
    draw, y = ImageDraw.Draw(page), chance.randint(60, 120)
    font = ImageFont.load_default(chance.choice((18, 22, 26)))
    is_chat = number % 2
    while y < 1300:
        if is_chat:
            x, lines = chance.choice((40, 400)), chance.randint(1, 4)
            draw.rounded_rectangle((x, y, x + 560, y + 34 * lines + 20), 20, "lightblue")
            for line in range(lines):
                draw.text((x + 20, y + 10 + 34 * line), words(38), "black", font)
            y += 34 * lines + 50
        else:
            draw.text((90, y), words(chance.randint(40, 75)), "black", font)
            y += 34 if chance.random() < 0.9 else 90
    return page


def of_photofind(folder: Path) -> Groups:
    with (
        tempfile.TemporaryDirectory() as temporary,
        without_graphs(),
        PhotoFind(Home(Path(temporary))) as photofind,
    ):
        photofind.add_folder(str(folder))
        photofind.index()
        photofind.duplicates()
        while photofind.status().uncompared:
            photofind.duplicates()
        return [group.paths for group in photofind.duplicates() if group.kind != "same scene"]


def of_imagehash(folder: Path) -> Groups:
    import imagehash

    hashes = {str(path): imagehash.phash(Image.open(path)) for path in photos_below(folder)}
    return [pair for pair in combinations(hashes, 2) if hashes[pair[0]] - hashes[pair[1]] <= 8]


def of_czkawka(folder: Path) -> Groups:
    import czkawka

    finder = czkawka.ImageSimilarity()
    finder.set_directories([folder])
    finder.set_similarity(15)
    return [[str(path) for path in group] for group in finder.find_similar()]


def of_difpy(folder: Path) -> Groups:
    import difPy

    found = difPy.search(difPy.build(str(folder), show_progress=False), similarity="similar").result
    return [[first, *(match[0] for match in matches)] for first, matches in found.items()]


PROGRAMS: dict[str, tuple[str, Callable[[Path], Groups]]] = {
    "photofind": ("photofind", of_photofind),
    "imagehash, 8 of 64 bits": ("imagehash", of_imagehash),
    "czkawka, 15": ("czkawka", of_czkawka),
    "difPy": ("difPy", of_difpy),
}


def put(folder: Path, pictures: dict[str, Image.Image], edited: int) -> Counter[str]:
    """Write pictures, and edited copies of some; return how many copies there are of each edit.

    Nearly blank ones are not edited: of these identical files alone are the same.
    """
    tried: Counter[str] = Counter()
    left = edited
    for name, picture in pictures.items():
        picture.save(folder / f"{name}.jpg", quality=92)
        if left and is_told_apart(picture):
            left -= 1
            for edit, image, quality in edits(picture):
                image.save(folder / f"{name}@{edit}.jpg", quality=quality)
                tried[edit] += 1
    return tried


def is_told_apart(picture: Image.Image) -> bool:
    """Return whether there is enough in a picture to tell it from others, as photofind has it."""
    prints = Fingerprints([fingerprint_of(picture.resize((224, 224)))])
    return bool(prints.sufficient[0])


def judge(groups: Groups) -> tuple[Counter[str], int]:
    """Return how many copies of each edit are with their original, and how many pairs are false."""
    found: set[str] = set()
    false: set[tuple[str, str]] = set()
    for group in groups:
        names = [Path(path).stem for path in group]
        originals = {name for name in names if "@" not in name}
        found.update(name for name in names if "@" in name and name.split("@")[0] in originals)
        of = sorted({name.split("@")[0] for name in names})
        false.update(combinations(of, 2))
    return Counter(name.split("@")[1] for name in found), len(false)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "folder", type=Path, help="a folder with photos, in a subfolder for each kind"
    )
    parser.add_argument("--photos", type=int, default=200, help="pictures of each library")
    parser.add_argument("--edited", type=int, default=40, help="how many of them are edited")
    arguments = parser.parse_args()
    photos = random.Random(0).sample(photos_below(arguments.folder), arguments.photos)
    kind = photos_below(sorted(path for path in arguments.folder.iterdir() if path.is_dir())[-1])
    libraries = {
        "mixed": {str(n): Image.open(path).convert("RGB") for n, path in enumerate(photos)},
        "one kind": {str(n): Image.open(path).convert("RGB") for n, path in enumerate(kind)},
        "documents": {str(n): document(n) for n in range(arguments.photos)},
    }
    figures: dict[str, dict[str, object]] = {}
    for library, pictures in libraries.items():
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary).resolve()
            tried = put(folder, pictures, arguments.edited)
            judged = {
                name: judge(find(folder))
                for name, (module, find) in PROGRAMS.items()
                if importlib.util.find_spec(module)
            }
        shares = {
            edit: {name: round(100 * found[edit] / count) for name, (found, _) in judged.items()}
            for edit, count in tried.items()
        }
        false = {name: pairs for name, (_, pairs) in judged.items()}
        rows = [[edit, *share.values()] for edit, share in shares.items()]
        rows.append(["pairs of different pictures", *false.values()])
        print_table([f"{library}: copies found, %", *judged], rows)
        figures[library] = {**shares, "false pairs": false}
    print_figures("duplicates", {"edited": arguments.edited, **figures})


if __name__ == "__main__":
    main()
