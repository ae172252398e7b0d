"""Runs a program and appends its name and peak memory to a file: peak.py FILE PROGRAM [ARG...]

It imports little: until a forked child executes the program, the pages of this interpreter count as
the child's.
"""

import os
import sys

log, program, *arguments = sys.argv[1:]
pid = os.fork()
if pid == 0:
    try:
        os.execv(program, [program, *arguments])
    except OSError as error:
        os.write(2, f"{program}: {error}\n".encode())
        os._exit(127)
_, status, usage = os.wait4(pid, 0)
# Linux counts in units of 1,024 bytes, macOS in bytes.
peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
# A Python program goes by its script's name.
name = next((a for a in arguments if a.endswith(".py")), program)
with open(log, "a") as out:
    out.write(f"{os.path.basename(name)}\t{peak}\n")
code = os.waitstatus_to_exitcode(status)
os._exit(code if code >= 0 else 128 - code)
