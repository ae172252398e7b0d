"""Runs the workspace's test programs and doc tests, several at once.

`cargo test` runs one test program after the other, so a program that waits keeps the cores idle.
What this prints is what `cargo test` prints, except that the output of a program comes at its end.
"""

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

# A crate whose program waits a minute for a server that does not answer, so it is started first.
LONGEST = "orchestrator"


@dataclass
class Program:
    """A command that runs tests."""

    # The line that introduces its output; summary.py knows it.
    title: str
    command: list
    # Cargo runs test programs in the directory of their package.
    directory: Path


def programs_in(messages, root):
    """Gives the test programs among cargo's messages, lines of JSON. The longest comes first."""
    programs = []
    for line in messages:
        message = json.loads(line) if line.startswith("{") else {}
        # Examples and the programs themselves are built too, and have no tests.
        if message.get("reason") != "compiler-artifact" or not message["profile"]["test"]:
            continue
        directory = Path(message["manifest_path"]).parent
        source = Path(message["target"]["src_path"]).relative_to(root)
        programs.append(Program(f"     Running {source}", [message["executable"]], directory))
    return sorted(programs, key=lambda program: program.directory.name != LONGEST)


class Runner:
    def __init__(self):
        self.printing = threading.Lock()
        self.failed = []

    def run(self, program):
        done = subprocess.run(
            program.command,
            cwd=program.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        with self.printing:
            print(f"{program.title}\n{done.stdout.rstrip()}\n", flush=True)
            if done.returncode != 0:
                self.failed.append(f"{program.title.strip()}: exit code {done.returncode}")


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: programs.py cargo test OPTION...")
    cargo, root = sys.argv[1:], Path.cwd()
    build = [*cargo, "--no-run", "--message-format=json-render-diagnostics"]
    built = subprocess.run(build, stdout=subprocess.PIPE, text=True)
    if built.returncode != 0:
        sys.exit(built.returncode)
    programs = programs_in(built.stdout.splitlines(), root)
    # Doc tests are compiled, which keeps a core busy while the first program waits.
    programs.insert(1, Program("   Doc-tests", [*cargo, "--doc", "--no-fail-fast"], root))
    cores = os.cpu_count() or 1
    # Where one test waits and another starts a process, the others still have work for each core.
    os.environ.setdefault("RUST_TEST_THREADS", str(cores + 2))
    runner = Runner()
    with ThreadPoolExecutor(cores + 1) as pool:
        list(pool.map(runner.run, programs))
    for failure in runner.failed:
        print(f"error: {failure}", flush=True)
    sys.exit(1 if runner.failed else 0)


if __name__ == "__main__":
    main()
