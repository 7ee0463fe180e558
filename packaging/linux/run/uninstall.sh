#!/bin/sh
# Removes photofind from where the .run file installed it. Libraries and photos stay.
set -eu

prefix=$(dirname -- "$(readlink -f -- "$0")")
if [ "${1:-}" != --quietly ] && [ "$(id -u)" != 0 ]; then
    # What it put into this user's menus and session.
    "$prefix/bin/photofind" desktop remove >/dev/null || true
    "$prefix/bin/photofind" daemon disable >/dev/null || true
fi
for process in /proc/[0-9]*; do
    case $(readlink "$process/exe" 2>/dev/null) in
    "$prefix"/*) kill -TERM "${process#/proc/}" 2>/dev/null || true ;;
    esac
done
while IFS= read -r file; do
    rm -f "$file"
    rmdir -p "$(dirname "$file")" 2>/dev/null || true
done <"$prefix/installed-files"
rm -rf "$prefix"
[ "${1:-}" = --quietly ] || echo "photofind is removed; what it knows of your photos stays until you delete it"
