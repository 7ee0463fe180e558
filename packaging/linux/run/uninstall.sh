#!/bin/sh
# Removes photofind from where the .run file installed it. Libraries and photos stay.
set -eu

prefix=$(dirname -- "$(readlink -f -- "$0")")
case $prefix in
"$HOME"/*)
    # What it put into this user's menus and session.
    if [ "${1:-}" != --quietly ]; then
        "$prefix/bin/photofind" desktop remove >/dev/null || true
        "$prefix/bin/photofind" daemon disable >/dev/null || true
    fi
    ;;
esac
for process in /proc/[0-9]*; do
    case $(readlink "$process/exe" 2>/dev/null) in
    "$prefix"/*) kill -TERM "${process#/proc/}" 2>/dev/null || true ;;
    esac
done
while IFS= read -r file; do
    rm -f "$file"
done <"$prefix/installed-files"
folders=$(sort -r "$prefix/made-folders")
rm -rf "$prefix"
echo "$folders" | while IFS= read -r folder; do
    [ -z "$folder" ] || rmdir "$folder" 2>/dev/null || true # Others may have put something into it.
done
[ "${1:-}" = --quietly ] || echo "photofind is removed; what it knows of your photos stays until you delete it"
