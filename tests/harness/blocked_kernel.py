"""An interpreter whose kernel refuses some system calls, as old kernels and many containers do."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

LANDLOCK = (444, 445, 446)
UNSHARE = ({"x86_64": 272, "aarch64": 97}[platform.machine()],) if sys.platform == "linux" else ()
_CODE = """#!{python}
import ctypes, os, struct, sys

def step(code, jump, value):
    return struct.pack("HBBI", code, jump, 0, value)

calls = {calls}
steps = [step(0x20, 0, 0)]  # load the number of the call
steps += [step(0x15, len(calls) - at, call) for at, call in enumerate(calls)]  # this one?
steps += [step(0x06, 0, 0x7FFF0000), step(0x06, 0, 0x00050000 | {error})]  # allow; refuse
code = ctypes.create_string_buffer(b"".join(steps))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, program, 0, 0) == 0, os.strerror(ctypes.get_errno())
os.execv({python!r}, [{python!r}, *sys.argv[1:]])
"""


def python_without(folder: Path, *calls: int) -> str:
    """An executable in ``folder`` that is this Python, for which the kernel has none of ``calls``."""
    path = folder / "python-without"
    path.write_text(_CODE.format(python=sys.executable, calls=calls, error=38))
    path.chmod(0o755)
    return str(path)
