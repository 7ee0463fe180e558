"""Classical image descriptors as extractors for photofind."""

from photofind_descriptors.colour import Colour
from photofind_descriptors.shape import Shape
from photofind_descriptors.texture import Texture
from photofind_descriptors.words import Words

__all__ = ["Colour", "Shape", "Texture", "Words"]
