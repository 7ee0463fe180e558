"""What ends when a setting is changed."""

from __future__ import annotations

from photofind.app.photofind import PhotoFind
from photofind.paths import Home


def test_the_colours_of_the_page_end_nothing(home: Home) -> None:
    with PhotoFind(home) as photofind:
        thumbnails = photofind._resources.thumbnails
        photofind.set_setting("theme", "dark")
        assert photofind.settings.theme == "dark"
        assert photofind._resources.thumbnails is thumbnails
        photofind.reset_setting("theme")
        assert photofind.settings.theme == "system"
        assert photofind._resources.thumbnails is thumbnails
        photofind.set_setting("max_seconds", "50")
        assert photofind._resources.thumbnails is not thumbnails
