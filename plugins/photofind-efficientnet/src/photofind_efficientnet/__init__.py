"""EfficientNet-Lite0 for photofind: an extractor that also knows words for what it sees."""

from photofind_efficientnet.extractor import EfficientNetLite0

__all__ = ["EfficientNetLite0"]
