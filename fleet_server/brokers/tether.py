"""Becomes the given program after asking the kernel to kill it when its parent dies. Run as a script, never imported.

A child started plainly would outlive a killed server and keep the port. A hook between fork and exec could do the
same, but is not safe in a process with threads. Source: prctl(2), PR_SET_PDEATHSIG (kept across exec).

Usage: python -I -S tether.py PARENT_PID PROGRAM [ARGUMENT ...]
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    parent, program = int(sys.argv[1]), sys.argv[2]
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}: the broker would not end with its server")
    if os.getppid() != parent:  # it died before the kernel was asked
        sys.exit(1)
    try:
        os.execv(program, sys.argv[2:])  # noqa: S606  there is no shell between us and the program
    except OSError as error:
        sys.exit(f"{program}: {error.strerror}: name another program")
