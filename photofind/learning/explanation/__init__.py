"""Why a photo is a hit: the regions, extractors, neighbours and facts that two photos share."""
