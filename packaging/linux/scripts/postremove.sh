#!/bin/sh
# After the files were removed, by dpkg (which says what it does) or rpm (the number of versions left).
set -e

case "$1" in
remove | purge | 0)
    # Plugins that root installed, and what Python compiled.
    rm -rf /opt/photofind
    # Folders that were made for file managers which are not installed.
    for folder in nemo/actions kio/servicemenus kservices5/ServiceMenus file-manager/actions \
        nautilus-python/extensions zsh/vendor-completions fish/vendor_completions.d; do
        rmdir -p "/usr/share/$folder" 2>/dev/null || true
    done
    for folder in share/applications share/doc/photofind share/icons share/metainfo share/zsh \
        lib/systemd/user; do
        rmdir "/usr/$folder" 2>/dev/null || true
    done
    if command -v update-desktop-database >/dev/null; then
        update-desktop-database -q /usr/share/applications || true
    fi
    if command -v gtk-update-icon-cache >/dev/null; then
        gtk-update-icon-cache -q -t -f /usr/share/icons/hicolor || true
    fi
    ;;
esac
