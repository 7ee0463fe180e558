#!/bin/sh
# Installs photofind for all users where root runs it, and otherwise for this user. The unpacked
# archive is the current folder. After `--`, --prefix FOLDER says where the program itself goes.
set -eu

if [ "$(id -u)" = 0 ]; then
    prefix=/opt/photofind usr=/usr/local
else
    prefix=$HOME/.local/opt/photofind usr=$HOME/.local
fi
if [ "${1:-}" = --prefix ]; then
    prefix=${2:?--prefix needs a folder}
fi
command=$usr/bin/photofind

if [ -e /usr/bin/photofind ]; then
    echo "photofind is installed by a package of this system: remove that first" >&2
    exit 1
fi
if [ -e "$prefix" ] && [ ! -e "$prefix/uninstall" ]; then
    echo "$prefix exists, and is not photofind's: nothing was installed" >&2
    exit 1
fi
if [ -e "$command" ] && [ ! -L "$command" ]; then
    echo "$command exists, and is not photofind's: nothing was installed" >&2
    exit 1
fi
if [ -e "$prefix/uninstall" ]; then
    "$prefix/uninstall" --quietly
fi

mkdir -p "$(dirname "$prefix")" "$usr/bin"
mv photofind "$prefix"
ln -sfn "$prefix/bin/photofind" "$command"
echo "$command" >"$prefix/installed-files"
if [ "$(id -u)" = 0 ]; then
    # For all users: the menus, the unit, completions.
    (cd usr && find . -type f -o -type l) | sed 's/^\.\///' | while IFS= read -r name; do
        mkdir -p "$usr/$(dirname "$name")"
        case $name in
        *.png | *.svg | *.txt) cp -p "usr/$name" "$usr/$name" ;;
        *)
            cp -p "usr/$name" "$usr/$name"
            sed -i "s#/usr/bin/photofind#$command#g" "$usr/$name"
            ;;
        esac
        echo "$usr/$name" >>"$prefix/installed-files"
    done
fi
cp uninstall.sh "$prefix/uninstall"
chmod 755 "$prefix/uninstall"

echo "photofind is installed in $prefix; $prefix/uninstall removes it"
case :$PATH: in
*:"$usr/bin":*) echo "Type photofind." ;;
*) echo "Type $command." ;;
esac
