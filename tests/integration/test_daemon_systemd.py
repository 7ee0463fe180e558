"""The daemon as a service of a real systemd, one that looks after this user for a test.

What it serves is simulated: see ``simulated_daemon``. Where namespaces of one's own cannot be had,
as without root, none of it is tested.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import patience

from photofind.daemon.service import service_name
from photofind.paths import Home

HERE = Path(__file__).parent
NO_SYSTEMD = 77

if sys.platform != "linux" or not all(map(shutil.which, ("unshare", "systemctl"))):
    pytest.skip("there is no systemd", allow_module_level=True)

# In each, `unit` is the unit, `pid` prints its process, `become STATE` waits for it.
BEGIN = """
set -eux
photofind() { python -P -m photofind "$@"; }
state() { systemctl --user show --value -p ActiveState "$unit"; }
pid() { systemctl --user show --value -p MainPID "$unit"; }
become() {
    for _ in $(seq 3000); do [ "$(state)" = "$1" ] && return; sleep 0.1; done
    echo "it is $(state), not $1"; exit 1
}
daemon() {
    photofind daemon --json | python -c 'import json, sys; print(json.load(sys.stdin)["pid"])'
}
restart_soon() {
    mkdir "$HOME/.config/systemd/user/$unit.d"
    printf '[Service]\nRestartSec=1\n' >"$HOME/.config/systemd/user/$unit.d/soon.conf"
    systemctl --user daemon-reload
}
photofind daemon enable
[ "$(state)" = active ]
[ "$(pid)" = "$(daemon)" ]
"""
TRIALS = {
    "it is known as it was written": """
        systemd-analyze verify --user "$HOME/.config/systemd/user/$unit"
        [ "$(systemctl --user is-enabled "$unit")" = enabled ]
        systemctl --user show "$unit" -p Slice -p Type | sort | tr '\\n' ' ' >"$HOME/shown"
        [ "$(cat "$HOME/shown")" = "Slice=background.slice Type=notify " ]
        grep -q "background.slice/$unit" "/proc/$(pid)/cgroup"
        cmdline=$(tr '\\0' '\\n' <"/proc/$(pid)/cmdline")
        case $cmdline in *"$PHOTOFIND_HOME") ;; *) exit 1;; esac
    """,
    "it is stopped and started through systemd": """
        photofind daemon stop
        become inactive
        photofind daemon start
        [ "$(pid)" = "$(daemon)" ]
        for _ in 1 2 3 4 5 6 7; do photofind daemon restart; done
        [ "$(pid)" = "$(daemon)" ]
        systemctl --user stop "$unit"
        [ "$(daemon)" = None ]
    """,
    "it comes back after a crash": """
        restart_soon
        before=$(pid)
        kill -9 "$before"
        until [ "$(pid)" != "$before" ] && [ "$(pid)" != 0 ]; do sleep 0.1; done
        become active
        [ "$(pid)" = "$(daemon)" ]
    """,
    "it does not come back when stopped after a crash": """
        kill -9 "$(pid)"
        become activating
        photofind daemon stop
        become inactive
        sleep 6
        [ "$(state)" = inactive ]
        [ "$(daemon)" = None ]
    """,
    "it does not come back when it had to be killed": """
        photofind daemon stop
        systemctl --user set-environment PHOTOFIND_SIMULATED="deaf stubborn"
        restart_soon
        photofind daemon start
        python -c 'from photofind.daemon.lifecycle import Home, Stop, stop
assert stop(Home.default(), wait_seconds=0.5) is Stop.KILLED'
        sleep 2
        [ "$(daemon)" = None ]
    """,
    "one that runs already is as good": """
        photofind daemon stop
        restart_soon
        python -P -m photofind daemon run 2>"$HOME/own" &
        own=$!
        until [ "$(daemon)" = $own ]; do sleep 0.1; done
        if systemctl --user start "$unit"; then exit 1; fi
        [ "$(systemctl --user show --value -p ExecMainStatus "$unit")" = 75 ]
        sleep 2
        [ "$(state)" = failed ]
        [ "$(daemon)" = $own ]
        photofind daemon restart
        [ "$(pid)" = "$(daemon)" ]
    """,
    "disabled, it leaves nothing": """
        photofind daemon disable
        [ "$(daemon)" = None ]
        photofind desktop remove
        [ -z "$(find "$HOME/.config" ! -type d)" ]
        [ "$(systemctl --user show --value -p LoadState "$unit")" = not-found ]
        photofind daemon start
        [ "$(daemon)" != None ]
        photofind daemon stop
    """,
}


@pytest.mark.parametrize("trial", TRIALS)
def test_under_systemd(trial: str, tmp_path: Path) -> None:
    home = Home(tmp_path / '100% of "$HOME\'s" photos é')
    paths = [str(HERE / "simulated_daemon"), str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child",
         HERE / "user_systemd.sh", "sh", "-c", BEGIN + TRIALS[trial]],
        env={k: v for k, v in os.environ.items() if not k.startswith("XDG_")} | {
            "HOME": str(tmp_path),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PHOTOFIND_HOME": str(home.root),
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "PHOTOFIND_SIMULATED": "",
            "unit": f"{service_name(home)}.service",
        },
        capture_output=True,
        text=True,
        timeout=patience(200),
    )  # fmt: skip
    if done.returncode == NO_SYSTEMD or "unshare:" in done.stderr:
        pytest.skip(f"no systemd of one's own can be had here: {done.stderr.strip()}")
    log = tmp_path / "systemd.log"
    assert done.returncode == 0, done.stdout + done.stderr + log.read_text(errors="replace")
