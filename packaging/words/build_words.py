"""Make the hypernyms of the ImageNet words, and what other words are nearest to, from WordNet.

Run ``python packaging/words/build_words.py DICT CLASSES`` as the README beside this file says; it
writes ``photofind/model/hypernyms.tsv``, ``photofind/words/nearest.tsv.gz`` and
``photofind/model/irregular_plurals.tsv``.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import deque
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
HYPERNYMS = ROOT / "photofind/model/hypernyms.tsv"
NEAREST = ROOT / "photofind/words/nearest.tsv.gz"
IRREGULAR = ROOT / "photofind/model/irregular_plurals.tsv"

# Synsets that say nothing of a photo, by their words: they are left out with all above them.
SAYS_NOTHING = {
    "abstraction, abstract entity",
    "area, country",
    "artifact, artefact",
    "causal agent, cause, causal agency",
    "commodity, trade good, good",
    "communication",
    "creation",
    "entity",
    "group, grouping",
    "instrumentality, instrumentation",
    "living thing, animate thing",
    "matter",
    "object, physical object",
    "organism, being",
    "part, piece",
    "part, portion, component part, component, constituent",
    "physical entity",
    "psychological feature",
    "solid",
    "substance",
    "thing",
    "unit",
    "whole, unit",
}
# What people call by a wider word that WordNet has on another branch: a bus is a vehicle. A tusker
# may be a boar to WordNet; what ImageNet shows under that name are elephants.
ALSO_WIDER = {
    "bus": "motor vehicle",
    "lifting device": "machine",
    "public transport": "vehicle",
    "tusker": "elephant",
}
# What people do not call by a wider word: WordNet has a bus with wheels for a container.
NOT_WIDER = {"wheeled vehicle": "container"}
# What words are nearest to that WordNet does not join with what people mean in photos.
BESIDES = {
    "beach": "seashore",
    "coastline": "seashore",
    "kitten": "domestic cat",
    "kitty": "domestic cat",
    "foal": "horse",
    "pony": "horse",
    "calf": "ox",
    "cow": "ox",
    "cattle": "ox",
    "lamb": "sheep",
    "piglet": "hog",
    "chick": "hen",
    "chicken": "hen",
    "duckling": "duck",
    "people": "person",
    "plane": "airplane",
    "mobile": "cellular telephone",
    "smartphone": "cellular telephone",
    "sailing boat": "sailboat",
    "motorboat": "speedboat",
    "blossom": "flower",
    "lily": "flower",
    "rose": "flower",
    "sea": "seashore",
    "tulip": "flower",
    "ocean": "seashore",
}
# What says too little to be what another word is nearest to, by the first word.
TOO_WIDE = {
    "angiosperm", "apparatus", "area", "article", "attribute", "chordate", "covering", "craft",
    "creation", "device", "drug", "electrical device", "fluid", "foodstuff", "framework",
    "implement", "location", "material", "matter", "mechanical device", "mechanism", "medicine",
    "medium", "memory device", "natural object", "nutriment", "part", "piece", "placental",
    "plant organ", "plant part", "point", "product", "region", "reproductive structure",
    "spermatophyte", "structure", "support", "surface", "system", "vascular plant", "vertebrate",
    "ware",
}  # fmt: skip
# Wider words that people use, beside those that WordNet counted in texts: they are listed.
EVERYDAY = {
    "amphibian", "arch", "big cat", "bird of prey", "boa", "bulldog", "bun", "butterfly", "camel",
    "carnivore", "chameleon", "cloak", "cobra", "condiment", "convertible", "coral", "corgi",
    "crocodile", "crustacean", "cuckoo", "cushion", "dinosaur", "display", "dolphin",
    "domestic cat", "drinking vessel", "edible fruit", "egret", "electronic equipment", "face mask",
    "feline", "finch", "footwear", "fungus", "game bird", "gecko", "glove", "gown", "grain",
    "great ape", "greyhound", "grouse", "hamburger", "helmet", "heron", "home appliance",
    "hunting dog", "jewelry", "kangaroo", "keyboard instrument", "kitchen appliance",
    "kitchen utensil", "lemur", "lobster", "locomotive", "marsupial", "mask", "mastiff", "mollusk",
    "motor vehicle", "motorboat", "motorcycle", "mug", "newt", "penguin", "personal computer",
    "place of worship", "plover", "pointer", "poodle", "primate", "printer", "public transport",
    "pullover", "puzzle", "raincoat", "retriever", "rodent", "sailboat", "schnauzer", "sea turtle",
    "seal", "setter", "shepherd dog", "shorebird", "sled", "sled dog", "sloth", "snack food",
    "spacecraft", "spitz", "sports equipment", "squash", "stew", "stork", "stringed instrument",
    "tableware", "telescope", "thrush", "toy dog", "tracked vehicle", "trailer", "turtle",
    "undergarment", "van", "viper", "wading bird", "warship", "waterfowl", "whale",
    "wheeled vehicle", "wind instrument", "wolfhound", "writing implement",
}  # fmt: skip
# Its first word would be taken for another one: a car of a train is no automobile.
NOT_EVERYDAY = {"car, railcar, railway car, railroad car"}
# Kinds of nouns (lexicographer files) that photos show: animals, artifacts, foods, objects, plants.
SHOWN_KINDS = {"05", "06", "13", "17", "20"}
# So many steps up a word is still nearest to something: a puppy to a dog, and not to an animal.
MOST_STEPS = 3


class Synset(NamedTuple):
    words: list[str]
    wider: list[str]
    kind: str


def main() -> None:
    folder, classes = Path(sys.argv[1]), Path(sys.argv[2])
    synsets, senses = read_nouns(folder / "data.noun"), read_senses(folder / "index.noun")
    wanted = [f"{wnid[1:]}" for wnid in json.loads(classes.read_text("utf-8")).values()]
    for narrow, wide in ALSO_WIDER.items():
        synsets[senses[narrow][0]].wider.append(senses[wide][0])
    for narrow, wide in NOT_WIDER.items():
        synsets[senses[narrow][0]].wider.remove(senses[wide][0])
    counted = read_counts(folder / "cntlist.rev")
    known = with_hypernyms(wanted, synsets)
    words = {one: words_of(one, synsets, senses, one in wanted) for one in known}
    lines = [
        "\t".join(
            (
                f"n{one}",
                ", ".join(words[one]),
                " ".join(f"n{above}" for above in synsets[one].wider if above in known),
                kind_of(one, words[one], senses, counted, one in wanted),
            )
        )
        for one in sorted(known)
    ]
    HYPERNYMS.write_text("\n".join(lines) + "\n", "utf-8", newline="\n")
    nearest = nearest_words(synsets, senses, known, words)
    nearest |= irregular_plurals(folder / "noun.exc", nearest, words)
    lines = [f"{word}\t{name}" for word, name in sorted(nearest.items())]
    NEAREST.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), 9, mtime=0))
    write_irregular_plurals(folder / "noun.exc")
    print(f"{len(known)} synsets, {len(nearest)} other words")


def read_nouns(path: Path) -> dict[str, Synset]:
    """Return the synsets of ``data.noun`` by their offsets (wndb(5WN))."""
    synsets = {}
    for line in path.read_text("latin-1").splitlines():
        if line.startswith("  "):
            continue  # The licence.
        fields = line.partition(" | ")[0].split(" ")
        end = 4 + 2 * int(fields[3], 16)
        pointers = fields[end + 1 : end + 1 + 4 * int(fields[end])]
        synsets[fields[0]] = Synset(
            [word.replace("_", " ") for word in fields[4:end:2]],
            [
                pointers[place + 1]
                for place in range(0, len(pointers), 4)
                if pointers[place] in ("@", "@i")
            ],
            fields[1],
        )
    return synsets


def read_senses(path: Path) -> dict[str, list[str]]:
    """Return the offsets of what each word of ``index.noun`` means, the most frequent first."""
    senses = {}
    for line in path.read_text("latin-1").splitlines():
        if line.startswith("  "):
            continue
        fields = line.split()
        senses[fields[0].replace("_", " ")] = fields[-int(fields[2]) :]
    return senses


def read_counts(path: Path) -> dict[tuple[str, int], int]:
    """Return how often texts have each noun in each of its senses, from 1 on (cntlist(5WN))."""
    counts = {}
    for line in path.read_text("latin-1").splitlines():
        key, sense, count = line.split()
        word, _, kind = key.partition("%")
        if kind.startswith("1:"):
            counts[word.replace("_", " "), int(sense)] = int(count)
    return counts


def kind_of(
    one: str,
    words: list[str],
    senses: dict[str, list[str]],
    counted: dict[tuple[str, int], int],
    is_class: bool,
) -> str:
    """Return "class", or "everyday" if people would call what photos show by a synset's words."""
    if is_class:
        return "class"
    if any(", ".join(words) == one for one in NOT_EVERYDAY):
        return ""
    keys = [(word.lower(), 1 + senses[word.lower()].index(one)) for word in words]
    is_counted = words[0] not in TOO_WIDE and any(counted.get(key) for key in keys)
    return "everyday" if is_counted or words[0] in EVERYDAY else ""


def with_hypernyms(wanted: list[str], synsets: dict[str, Synset]) -> set[str]:
    """Return synsets with all above them that say something of a photo."""
    known: set[str] = set()
    waiting = list(wanted)
    while waiting:
        one = waiting.pop()
        if one in known or ", ".join(synsets[one].words) in SAYS_NOTHING:
            continue
        known.add(one)
        waiting += synsets[one].wider
    return known


def words_of(
    one: str, synsets: dict[str, Synset], senses: dict[str, list[str]], is_class: bool
) -> list[str]:
    """Return the words of a synset: its first, and those that mean it before anything else."""
    first, *others = synsets[one].words
    return [
        first,
        *(word for word in others if is_class or senses[word.lower()][0] == one),
    ]


def nearest_words(
    synsets: dict[str, Synset],
    senses: dict[str, list[str]],
    known: set[str],
    words: dict[str, list[str]],
) -> dict[str, str]:
    """Return, for words that are none of the known synsets', the first word of the nearest one."""
    taken = {word.lower() for some in words.values() for word in some}
    nearest = {}
    for word, meanings in senses.items():
        if word in taken:
            continue
        # Of several meanings the most frequent that photos show.
        shown = [one for one in meanings[:3] if synsets[one].kind in SHOWN_KINDS]
        if not shown or synsets[shown[0]].words[0][:1].isupper():
            continue
        found = climb(shown[0], synsets, known)
        if found is not None and words[found][0] not in TOO_WIDE | {"animal", "food", "plant"}:
            nearest[word] = words[found][0]
    return nearest | BESIDES


def write_irregular_plurals(path: Path) -> None:
    """Write the plurals of single words that no rule of photofind makes, with their singulars."""
    sys.path.insert(0, str(ROOT))
    from photofind.model.plurals import by_rule

    pairs = {
        (plural, singular)
        for plural, *singulars in map(str.split, path.read_text("latin-1").splitlines())
        for singular in singulars
        if plural.isascii() and plural.isalpha() and singular.isascii() and singular.isalpha()
        if plural != singular and singular not in by_rule(plural)
    }
    lines = ["\t".join(pair) for pair in sorted(pairs)]
    IRREGULAR.write_text("\n".join([*lines, ""]), "ascii")


def irregular_plurals(
    path: Path, nearest: dict[str, str], words: dict[str, list[str]]
) -> dict[str, str]:
    """Return what plurals are nearest to that no rule makes, such as "mice"."""
    names = {word.lower(): some[0] for some in words.values() for word in some} | nearest
    plurals = {}
    for line in path.read_text("latin-1").splitlines():
        plural, singular = (word.replace("_", " ") for word in line.split()[:2])
        if singular in names and plural not in names:
            plurals[plural] = names[singular]
    return plurals


def climb(start: str, synsets: dict[str, Synset], known: set[str]) -> str | None:
    """Return the nearest known synset above one, by breadth."""
    waiting, seen = deque([(start, 0)]), {start}
    while waiting:
        one, steps = waiting.popleft()
        if one in known:
            return one
        if steps < MOST_STEPS:
            new = [above for above in synsets[one].wider if above not in seen]
            seen.update(new)
            waiting += [(above, steps + 1) for above in new]
    return None


if __name__ == "__main__":
    main()
