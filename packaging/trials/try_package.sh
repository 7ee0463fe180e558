#!/bin/sh
# Installs a package in this system, uses it, removes it, and looks whether anything is left. Root runs
# it in a container or chroot that may be thrown away.
#
#   try_package.sh photofind_0.1.0_amd64.deb | photofind-0.1.0-1.x86_64.rpm | photofind-0.1.0-linux-x86_64.run
set -eu

package=$(readlink -f "$1")
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d)
share=/usr/share
command=/usr/bin/photofind

# What package managers, shells and users may write at any time is not looked at.
list() {
    find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /run \
        -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache -o -path /var/log \
        -o -path /var/lib/rpm -o -path /usr/lib/sysimage -o -path /root -o -path /home \
        -o -path "$here" \) -prune -o -print | sort
}

case $package in
*.deb) # apt brings what it needs first, which stays, so that only the package itself is compared.
    apt-get install --yes --no-install-recommends libstdc++6 libgcc-s1 >/dev/null
    install() { apt-get install --yes --no-install-recommends "$package"; }
    remove() { apt-get purge --yes photofind; }
    ;;
*.rpm)
    if command -v dnf >/dev/null; then
        dnf install --assumeyes libstdc++ libgcc >/dev/null
        install() { dnf install --assumeyes --setopt=install_weak_deps=False "$package"; }
        remove() { dnf remove --assumeyes --noautoremove photofind; }
    else # A system of another kind has what it needs, but rpm does not know it.
        install() { rpm --install --nodeps "$package"; }
        remove() { rpm --erase photofind; }
    fi
    ;;
*.run)
    share=/usr/local/share
    command=/usr/local/bin/photofind
    install() { sh "$package" --nox11; }
    remove() { /opt/photofind/uninstall; }
    ;;
*)
    echo "unknown kind of package: $package" >&2
    exit 2
    ;;
esac

list >"$work/before"
install
[ -x $command ] || { echo "FAILED: $command is missing" >&2; exit 1; }
list >"$work/between"
echo "$(comm -13 "$work/before" "$work/between" | wc -l) files and folders installed, $(du -sm /opt/photofind | cut -f1) MB"

# Somebody who may not write where photofind is installed uses it, and a plugin that root installed.
useradd --create-home photographer
chmod 755 "$work"
cp "$here/use_photofind.sh" "$work"
(
    cd "$work"
    export HOME="$work"
    photofind plugins new shared
    photofind plugins install ./photofind-shared
    runuser -u photographer -- env HOME=/home/photographer photofind extractors >extractors
    grep -q shared extractors || { cat extractors; echo "FAILED: root's plugin is not everybody's" >&2; exit 1; }
    photofind plugins uninstall shared
)
runuser -u photographer -- sh "$work/use_photofind.sh" /home/photographer/trial $share
[ -d /home/photographer/trial/.local/share/photofind-plugins ] || { echo "FAILED: no plugins of the user" >&2; exit 1; }
case $package in
*.run) # It installs itself for one user too.
    cp "$package" "$work/photofind.run"
    runuser -u photographer -- env HOME=/home/photographer sh -ec "
        sh '$work/photofind.run' --nox11
        ~/.local/bin/photofind --version
        ~/.local/opt/photofind/uninstall
        [ ! -e ~/.local/opt ] && [ ! -e ~/.local/bin ]"
    ;;
esac
userdel --remove photographer

remove
list >"$work/after"
if comm -13 "$work/before" "$work/after" | grep -v '^/etc/.*-$' >"$work/left"; then
    echo "FAILED: these are left:" >&2
    cat "$work/left" >&2
    exit 1
fi
echo "nothing is left"
rm -rf "$work"
