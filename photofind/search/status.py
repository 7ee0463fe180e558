"""How the searches of a space are answered, for the status of the library."""

from __future__ import annotations

from photofind.library.store import Store
from photofind.model import SearchStatus

__all__ = ["search_status"]


def search_status(store: Store, space: str | None) -> SearchStatus:
    """Return how the searches of a space are answered; None where there is no space yet."""
    photos = store.space_counts(space).embedded if space else 0
    if not space or not photos:
        return SearchStatus("none", 0, 0, None, "nothing is indexed yet")
    index = store.index(space)
    if index is None:
        return SearchStatus("plain", 0, photos, None, "plain cosine over all embeddings, no index")
    path, explanation = "exact", f"exact, by comparing with all {photos:,} photos"
    if index.graph and index.ready:
        path = "graph"
        explanation = f"by the graph over {index.photos:,} photos, recall {index.recall:.3f}"
    else:
        if store.is_building():
            explanation += "; the graph is being built"
        if index.graph:
            explanation += f"; processes that stay use the graph, recall {index.recall:.3f}"
        elif index.recall is not None:
            explanation += f"; the graph, with recall {index.recall:.3f}, is not used"
    return SearchStatus(path, index.photos, index.fresh, index.recall, explanation)
