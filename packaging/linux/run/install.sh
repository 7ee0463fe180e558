#!/bin/sh
# Installs photofind for all users where root runs it, and otherwise for this user. The unpacked
# archive is the current folder. Options, after `--`:
#   --user            for this user, even if that is root
#   --prefix FOLDER   where the program itself goes
set -eu

prefix='' usr=$HOME/.local
[ "$(id -u)" = 0 ] && usr=/usr/local
while [ $# -gt 0 ]; do
    case $1 in
    --user) usr=$HOME/.local ;;
    --prefix)
        prefix=${2:?--prefix needs a folder}
        shift
        ;;
    *)
        echo "unknown option: $1" >&2
        exit 2
        ;;
    esac
    shift
done
if [ -z "$prefix" ]; then
    prefix=/opt/photofind
    [ "$usr" = /usr/local ] || prefix=$usr/opt/photofind
fi
command=$usr/bin/photofind

refuse() {
    echo "$1: nothing was installed" >&2
    exit 1
}
[ ! -e /usr/bin/photofind ] || refuse "photofind is installed by a package of this system"
[ ! -e "$prefix" ] || [ -e "$prefix/uninstall" ] || refuse "$prefix exists, and is not photofind's"
[ ! -e "$command" ] || [ -L "$command" ] || refuse "$command exists, and is not photofind's"
[ ! -e "$prefix/uninstall" ] || "$prefix/uninstall" --quietly

# What the uninstallation removes: files, and the folders that were not there before.
: >installed-files
: >made-folders
make_folder() {
    [ ! -d "$1" ] || return 0
    make_folder "$(dirname "$1")"
    mkdir "$1"
    echo "$1" >>made-folders
}

make_folder "$(dirname "$prefix")"
make_folder "$usr/bin"
ln -sfn "$prefix/bin/photofind" "$command"
echo "$command" >>installed-files
if [ "$usr" = /usr/local ]; then
    # For all users: the menus, the unit, completions.
    find usr -type f | sed 's/^usr\///' | while IFS= read -r name; do
        make_folder "$(dirname "$usr/$name")"
        cp -p "usr/$name" "$usr/$name"
        case $name in
        *.png | *.svg | *.txt | *.json) ;;
        *) sed -i "s#/usr/bin/photofind#$command#g" "$usr/$name" ;;
        esac
        echo "$usr/$name" >>installed-files
    done
fi
mv photofind "$prefix"
mv installed-files made-folders "$prefix"
cp uninstall.sh "$prefix/uninstall"
chmod 755 "$prefix/uninstall"

echo "photofind is installed in $prefix; $prefix/uninstall removes it"
case :$PATH: in
*:"$usr/bin":*) echo "Type photofind." ;;
*) echo "Type $command." ;;
esac
