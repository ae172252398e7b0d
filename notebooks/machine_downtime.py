"""Calls the orchestrator, which the same wheel carries, and returns what it prints as JSON."""

import json
import os
import shutil
import subprocess
import sysconfig
import tempfile


class OrchestratorError(Exception):
    """The orchestrator failed: its own words, and its exit code."""

    def __init__(self, words, code):
        super().__init__(words)
        self.code = code


def run(arguments, accept=(0,)):
    """Calls the orchestrator with these arguments and returns the JSON value that it prints.

    What it says meanwhile is printed as it comes. An exit code that is not in `accept`, or an end
    without a result, raises OrchestratorError.
    """
    places = [sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)]
    program = shutil.which("orchestrator", path=os.pathsep.join(places))
    if program is None:
        raise OrchestratorError("there is no program `orchestrator`: install the wheel", 127)
    said = []
    with tempfile.TemporaryFile("w+", encoding="utf-8") as result:
        command = [program, *map(str, arguments)]
        streams = {"stdout": result, "stderr": subprocess.PIPE, "encoding": "utf-8"}
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, **streams) as process:
            for line in process.stderr:
                said.append(line)
                print(line, end="", flush=True)
        result.seek(0)
        printed = result.read()
    if process.returncode not in accept or not printed:
        words = "".join(said).strip() or printed.strip()
        raise OrchestratorError(f"{words} (exit code {process.returncode})", process.returncode)
    return json.loads(printed)
