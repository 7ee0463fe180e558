#!/bin/sh
# After an installation or upgrade of the package, by dpkg or rpm.
set -e

# Daemons that systemd started are started anew, with the new version.
if [ -d /run/systemd/system ]; then
    for folder in /run/user/*/systemd; do
        [ -d "$folder" ] || continue
        user=$(basename "$(dirname "$folder")")
        systemctl --user --machine="$user@" daemon-reload >/dev/null 2>&1 || true
        systemctl --user --machine="$user@" try-restart photofind.service >/dev/null 2>&1 || true
    done
fi

if command -v update-desktop-database >/dev/null; then
    update-desktop-database -q /usr/share/applications || true
fi
if command -v gtk-update-icon-cache >/dev/null; then
    gtk-update-icon-cache -q -t -f /usr/share/icons/hicolor || true
fi
