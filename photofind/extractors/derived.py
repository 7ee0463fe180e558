"""Embedding by any extractor, a derived one too: photos by its bases, their embeddings by itself.

What an extractor is shows once it is loaded, so :class:`DerivableExtraction` takes the place of
:class:`~photofind.extractors.extraction.Extraction` wherever one is made by name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from photofind.errors import ExtractorError, OtherBuildError, WorkerError, WorkerStoppedError
from photofind.extractors.extracted import Extracted
from photofind.extractors.extraction import Extraction
from photofind.extractors.info import ExtractorInfo
from photofind.images.views import CROPPED

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["DerivableExtraction"]


class DerivableExtraction(Extraction):
    """Reads and embeds photos with one extractor, which may be a derived one.

    Parameters
    ----------
    extractor
        Its name.
    bases
        Gives what embeds photos with the bases of a derived extractor, by their names; workers of
        its own do where not given.
    **options
        As for :class:`~photofind.extractors.extraction.Extraction`.
    """

    def __init__(
        self,
        extractor: str,
        *,
        bases: Callable[[str], Extraction] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(extractor, **options)
        self._name = extractor
        self._options = options
        self._base_of = bases or self._own_base
        self._own: dict[str, Extraction] = {}
        self._bases: list[Extraction] = []  # Once it is known to be derived.
        self._tried: list[ExtractorInfo] = []  # Bases that it has embedded something of.
        # The identities of it alone and of its bases, and that of what they make together.
        self._made_by: tuple[str, tuple[str, ...], str] = ("", (), "")

    def close(self) -> None:
        """End the workers that were started for it."""
        super().close()
        for base in [*self._own.values()]:
            base.close()

    def info(self) -> ExtractorInfo:
        """Load the extractor, and its bases, and return its properties.

        Raises
        ------
        ExtractorError
            It is not installed or does not work. A base does not, has another version than it is
            made for, or is derived itself.
        """
        head = super().info()
        bases = {name: self._base_of(name.partition("@")[0]) for name in head.derives_from}
        self._bases = [*bases.values()]
        if not bases:
            return head
        infos = [_info_for(head, name, base) for name, base in bases.items()]
        together = replace(
            head,
            version="+".join(info.version for info in (head, *infos)),
            build=", ".join(info.build for info in (head, *infos)),
        )
        self._made_by = head.identity, tuple(info.identity for info in infos), together.identity
        if infos != self._tried:
            self._try([info.dimension for info in infos])
            self._tried = infos
        return together

    def embed_embeddings(self, *embeddings: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return what a derived extractor makes of embeddings of its bases.

        Parameters
        ----------
        *embeddings : float32, (N, D), an array for each base
            Of length 1.

        Returns
        -------
        float32, (N, dimension)
            Of length 1.

        Raises
        ------
        OtherBuildError
            It is not what :meth:`info` described.
        ExtractorError
            It is not installed or does not work.
        WorkerStoppedError
            :meth:`close` was called during the call.
        """
        try:
            reply = self._call("embed_embeddings", *embeddings)
        except WorkerStoppedError:
            raise
        except WorkerError as error:
            reason = f"the extractor {self._name!r} cannot be used: {error.message}"
            raise ExtractorError(reason, error.hint) from error
        if reply.value != self._made_by[0]:
            raise OtherBuildError(f"the extractor {self._name!r} is not what it was")
        return reply.arrays[0]

    def extract(
        self, paths: Sequence[str], known: Collection[str] = (), *, in_company: bool = False
    ) -> list[Extracted]:
        """Read and embed photos; a photo that any base does not embed is as it is for that base."""
        if not self._bases:
            return super().extract(paths, known, in_company=in_company)
        return self._derive([base.extract(paths, in_company=in_company) for base in self._bases])

    def extract_views(
        self, path: str, *, box: Sequence[float] | None = None, turned: bool = False
    ) -> Extracted:
        """Read a photo and embed views of it."""
        if not self._bases:
            return super().extract_views(path, box=box, turned=turned)
        results = [[base.extract_views(path, box=box, turned=turned)] for base in self._bases]
        (extracted,) = self._derive(results)
        return extracted

    def _derive(self, by_base: Sequence[Sequence[Extracted]]) -> list[Extracted]:
        """Return the photos that each base embedded, with embeddings of this extractor."""
        import numpy as np

        photos = [self._together(results) for results in zip(*by_base, strict=True)]
        places = [place for place, photo in enumerate(photos) if photo.vector is not None]
        if not places:
            return photos
        parts = [np.asarray([some[place].vector for place in places]) for some in by_base]
        rows = [part.reshape(-1, part.shape[-1]) for part in parts]
        # There is a vector for each photo, or for each view of it.
        vectors = self.embed_embeddings(*rows).reshape(*parts[0].shape[:-1], -1)
        for place, vector in zip(places, vectors, strict=True):
            photos[place] = replace(photos[place], vector=vector, tags=())
        return photos

    def _together(self, results: Sequence[Extracted]) -> Extracted:
        """Return the result of the first base, or of one that did not embed the photo."""
        made_by = tuple(one.made_by for one in results)
        _, bases, identity = self._made_by
        first = next((one for one in results if one.vector is None), results[0])
        if None not in made_by:
            made = identity if made_by == bases else ", ".join(map(str, made_by))
            first = replace(first, made_by=made)
        if len({one.content for one in results}) > 1 and first.vector is not None:
            return replace(first, vector=None, failure="changed while it was read", passing=True)
        return first

    def _try(self, dimensions: Sequence[int]) -> None:
        """Have it embed something: what always fails does so here, where no photo is blamed."""
        import numpy as np

        self.embed_embeddings(*(np.full((1, d), d**-0.5, np.float32) for d in dimensions))

    def _own_base(self, name: str) -> Extraction:
        if name not in self._own:
            self._own[name] = Extraction(name, **self._options)
        return self._own[name]


def _info_for(head: ExtractorInfo, name: str, base: Extraction) -> ExtractorInfo:
    """Return the properties of a base, named as a derived extractor names it."""

    def unusable(reason: str, hint: str = "") -> ExtractorError:
        return ExtractorError(f"the extractor {head.name!r} cannot be used: {reason}", hint)

    name, _, version = name.partition("@")
    try:
        info = base.info()
    except ExtractorError as error:
        raise unusable(f"it derives from {name}: {error.message}", error.hint) from error
    if info.derives_from:
        raise unusable(f"it derives from {name}, which is derived itself")
    if version and info.version == version + CROPPED:
        raise unusable(
            f"it is made for whole photos, not for crops of them beside, which {name} embeds",
            "run `photofind config set views whole`",
        )
    if version and info.version != version:
        raise unusable(
            f"it is made for version {version} of {name}, and {info.version} is installed",
            f"install another version of {head.distribution}, or of {info.distribution}",
        )
    return info
