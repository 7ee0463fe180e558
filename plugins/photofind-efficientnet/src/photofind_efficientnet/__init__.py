"""EfficientNet-Lite0 for photofind: an extractor that can also name tags."""

from photofind_efficientnet.extractor import EfficientNetLite0

__all__ = ["EfficientNetLite0"]
