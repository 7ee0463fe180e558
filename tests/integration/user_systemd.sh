#!/bin/sh
# Runs a command beside a systemd of its own that looks after this user:
#     unshare --mount --pid --fork --mount-proc user_systemd.sh COMMAND...
# All of it is gone with the namespaces. Exit code 77 says that it cannot be had here.
mount --make-rprivate / || exit 77
umount --lazy /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup && mount -t tmpfs none /run || exit 77
group=/sys/fs/cgroup/photofind-test-$(date +%s%N)
mkdir "$group" && echo $$ >"$group/cgroup.procs" || exit 77
XDG_RUNTIME_DIR=/run/user/$(id -u)
export XDG_RUNTIME_DIR
# systemd looks here whether it runs the machine, and refuses elsewhere.
mkdir -p /run/systemd/system "$XDG_RUNTIME_DIR"
chmod 700 "$XDG_RUNTIME_DIR"
unset DBUS_SESSION_BUS_ADDRESS NOTIFY_SOCKET
systemd=$(PATH=$PATH:/usr/lib/systemd:/lib/systemd command -v systemd) || exit 77
"$systemd" --user --log-target=console --log-color=no >"$HOME/systemd.log" 2>&1 &
manager=$!
for _ in $(seq 300); do
    systemctl --user is-system-running >/dev/null 2>&1 && break
    kill -0 $manager 2>/dev/null || exit 77
    sleep 0.1
done
systemctl --user import-environment PYTHONPATH PHOTOFIND_SIMULATED
"$@"
code=$?
kill $manager
wait $manager
echo $$ >/sys/fs/cgroup/cgroup.procs
echo 1 >"$group/cgroup.kill" # Whatever else the command has left behind.
for _ in $(seq 50); do
    find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
    [ -d "$group" ] || break
    sleep 0.1
done
exit $code
