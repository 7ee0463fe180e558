"""What an extractor is, as its worker tells once it has loaded it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photofind.extractors.code_files import Code, stamp
from photofind.extractors.loaded import identity

if TYPE_CHECKING:
    from typing import Self

__all__ = ["ExtractorInfo"]


@dataclass(frozen=True)
class ExtractorInfo:
    """The properties of a working extractor.

    Attributes
    ----------
    name, version
        Together they identify the embedding space.
    dimension
        The length of its embeddings.
    input_size
        Height and width of its input, in pixels.
    distribution
        The installed package, or the model file, that provides it.
    build
        Changes whenever another version of the package is installed or the file that defines the
        extractor is written: photos that failed before may then succeed.
    abilities
        Those of :data:`photofind.extractors.protocol.ABILITIES` that it has.
    engine
        What runs it, such as "LiteRT"; None if unknown.
    code
        The files or folders of its code, and its model.
    device
        What that runs on, such as "gpu"; None if unknown.
    idle_seconds
        The least idle time after which its worker ends; 0 if it does not matter.
    derives_from
        Its bases, where it is a :class:`~photofind.extractors.protocol.DerivedExtractor`; its
        ``input_size`` is (0, 0) then.
    """

    name: str
    version: str
    dimension: int
    input_size: tuple[int, int]
    distribution: str
    build: str = ""
    abilities: tuple[str, ...] = ()
    engine: str | None = None
    code: tuple[str, ...] = ()
    device: str | None = None
    idle_seconds: float = 0.0
    derives_from: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """What every result of this build of the extractor carries."""
        return identity(self.name, self.version, self.build)

    @property
    def is_current(self) -> bool:
        """Whether the files of its code are as they were when it was loaded."""
        return not self.code or self.loaded_code.stamp == stamp(map(Path, self.code))

    @property
    def loaded_code(self) -> Code:
        """Its code as it was when it was loaded."""
        return Code(self.code, self.build.rpartition(" ")[2])

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """Return the info with these fields, decoded from JSON.

        Raises
        ------
        TypeError
            If the fields do not match.
        """
        lists = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
        return cls(**{**fields, **lists})
