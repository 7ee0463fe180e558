#!/bin/sh
# Before the files are removed, or exchanged for another version's, by dpkg or rpm: daemons and icons
# that still run end, for they would miss the files that they have not read yet.
set -e

for process in /proc/[0-9]*; do
    case $(readlink "$process/exe" 2>/dev/null) in
    /opt/photofind/*) kill -TERM "${process#/proc/}" 2>/dev/null || true ;;
    esac
done
