"""The models in the home that are extractors: one TOML file each, in ``home/models``.

They are Keras models that the user added, and heads that were trained on stored embeddings. Nothing
here opens one. :mod:`photofind.extractors.custom` and :mod:`photofind.extractors.heads` do, in the
worker alone.
"""

from __future__ import annotations

import hashlib
import logging
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from photofind.errors import ExtractorError
from photofind.paths import Home, remove_file, write_atomically
from photofind.system.disk import explain_disk_errors

__all__ = [
    "POOLINGS",
    "PREPROCESSINGS",
    "Model",
    "content_hash",
    "delete_model",
    "kind_of",
    "list_models",
    "save_model",
]

PREPROCESSINGS = ("mobilenet", "imagenet", "unit", "none")
"""How pixels are scaled: -1 to 1; by ImageNet's mean and deviation; 0 to 1; as they are."""

POOLINGS = ("avg", "max", "gem")
"""How a feature map becomes a vector: its mean, its largest values, their generalised mean."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Model:
    """A saved Keras model and how to embed pictures with it, or a head.

    Parameters
    ----------
    name
        The extractor's name.
    path
        The file, or the folder of a SavedModel; absolute. Once it is added, photofind's own copy.
    sha256
        Its content hash, checked when it is loaded.
    input_size
        Height and width of its input; None for the size that the model was made for.
    layer
        The layer whose output is used; None for the model's own output.
    preprocess, pooling
        One of :data:`PREPROCESSINGS`, one of :data:`POOLINGS`.
    dimension
        The length of its embeddings; 0 if not yet known.
    origin
        What was added, of which ``path`` is a copy; empty if it is used where it is, as models were
        before they were copied.
    derives_from
        For a head, on whose embeddings it was trained: ``"mobilenet@1"``; empty for a Keras model.
    """

    name: str
    path: str
    sha256: str
    input_size: tuple[int, int] | None = None
    layer: str | None = None
    preprocess: str = "mobilenet"
    pooling: str = "avg"
    dimension: int = 0
    origin: str = ""
    derives_from: str = ""

    @property
    def source(self) -> str:
        """The name of its file or folder, as it was added."""
        return Path(self.origin or self.path).name

    @property
    def version(self) -> str:
        """A hash of everything that determines the embeddings."""
        facts = f"{self.sha256} {self.layer} {self.input_size} {self.preprocess} {self.pooling}"
        if self.derives_from:
            facts = f"{self.sha256} {self.derives_from}"
        return hashlib.sha256(facts.encode()).hexdigest()[:12]


def list_models(home: Home) -> list[Model]:
    """Return the added models, by name; files that do not describe one are skipped."""
    found = []
    for file in sorted(home.models.glob("*.toml")):
        try:
            written = tomllib.loads(file.read_text("utf-8"))
            values = {f.name: written[f.name] for f in fields(Model) if f.name in written}
            if size := values.get("input_size"):
                height, width = size
                values["input_size"] = (int(height), int(width))
            # A copy is named without its folder, so that the home can be moved.
            values["path"] = str(home.models / values["path"])
            model = Model(**values)
        except (KeyError, OSError, OverflowError, RecursionError, TypeError, ValueError) as error:
            _logger.warning("%s does not describe a model: %s", file, error)
        else:
            if model.name == file.stem:
                found.append(model)
    return found


def save_model(home: Home, model: Model) -> None:
    """Record a model, which makes it an extractor."""
    import tomlkit

    file = home.models / f"{model.name}.toml"
    written = {key: value for key, value in asdict(model).items() if value is not None}
    if model.input_size:
        written["input_size"] = list(model.input_size)
    if home.models in Path(model.path).parents:
        written["path"] = Path(model.path).relative_to(home.models).as_posix()
    with explain_disk_errors(file):
        write_atomically(file, tomlkit.dumps(written).encode())


def delete_model(home: Home, name: str) -> None:
    """Delete the record of a model, not its file."""
    file = home.models / f"{name}.toml"
    with explain_disk_errors(file):
        remove_file(file)


def kind_of(path: Path) -> str:
    """Return the format of a saved model: ``"keras"``, ``"h5"`` or ``"SavedModel"``.

    Raises
    ------
    ExtractorError
        If it does not exist or is not named like a model.
    """
    if not path.exists():
        raise ExtractorError(f"{path} does not exist", "give the path of a .keras file")
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            return "SavedModel"
        raise ExtractorError(
            f"{path} is a folder without a saved_model.pb", "give the path of a .keras file"
        )
    kind = {".keras": "keras", ".h5": "h5", ".hdf5": "h5"}.get(path.suffix.lower())
    if kind is None:
        raise ExtractorError(
            f"{path} does not have the suffix of a Keras model",
            "save it with model.save('NAME.keras')",
        )
    return kind


def content_hash(path: Path) -> str:
    """Return the SHA-256, hexadecimal, of a file, or of the names and contents of a folder.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    total = hashlib.sha256()
    if not path.is_dir():
        for part in _parts(path):
            total.update(part)
        return total.hexdigest()
    for file in sorted(file for file in path.rglob("*") if file.is_file()):
        total.update(f"{file.relative_to(path).as_posix()}\0{content_hash(file)}\n".encode())
    return total.hexdigest()


def _parts(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(2**20):
            yield part
