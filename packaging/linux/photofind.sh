#!/bin/sh
# Starts photofind with the interpreter beside this file, wherever a link to it lies.
# What is meant for another Python would break this one.
unset PYTHONHOME PYTHONPATH
# Plugins that root installs are for all users: nothing to warn of.
export PIP_ROOT_USER_ACTION=ignore
here=$(dirname -- "$(readlink -f -- "$0")")
exec "$here/python3" -P -m photofind "$@"
