"""CLIP and its kin for photofind: an extractor that embeds photos and texts into one space."""

from photofind_clip.extractor import Clip

__all__ = ["Clip"]
