"""Tests that need root and kernel features which a container may lack: what is missing is said, and counts as not run."""
import shutil
import subprocess
import sys

NOT_RUN = 77  # ctest's SKIP_RETURN_CODE


def require(*programs):
    """Ends this test file as NOT RUN, with the reason, unless all programs are there."""
    missing = [name for name in programs if shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") is None]
    if missing:
        not_run(f"no {', '.join(missing)} on this machine")


def require_success(what, *command):
    """The same unless the command succeeds."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        not_run(f"{what} is not permitted here: {(done.stderr or done.stdout).strip()}")


class NotRun(SystemExit):
    """Ends the program, unless somebody knows what to do instead."""


def not_run(reason):
    print(f"NOT RUN: {reason}", file=sys.stderr)
    raise NotRun(NOT_RUN)
