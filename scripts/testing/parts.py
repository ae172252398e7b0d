"""Runs the parts of a test run side by side and shows the output of one at a time."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path

from .summary import Counts, report

ROOT = Path(__file__).resolve().parent.parent.parent


class PartFailed(Exception):
    """A part that is a Python function failed; the message says why."""


@dataclass
class Part:
    """A command or a Python function that is run, timed and reported as one."""

    name: str
    # The words of a command, or a function that is called with `log`.
    work: object
    # Names of the parts that must succeed first; those that are not in the run do not count.
    after: tuple = ()
    environment: dict = field(default_factory=dict)
    # Its output is shown while it runs and not when it has ended.
    live: bool = False
    # The niceness of its processes: a part with a higher one gets what the others leave.
    nice: int = 0

    def __post_init__(self):
        self.lines, self.seconds, self.state, self.process = [], 0.0, "waiting", None

    def log(self, line):
        self.lines.append(line)

    def run(self, show):
        """Runs the part to its end; `show` is called with each line."""
        started = time.monotonic()
        try:
            if callable(self.work):
                self.work(self.log)
                succeeded = True
            else:
                succeeded = self.command(show) == 0
        except Exception as error:
            # Any exception: a part without a result would keep the others waiting.
            expected = isinstance(error, (OSError, PartFailed))
            self.log(f"error: {error}" if expected else traceback.format_exc())
            succeeded = False
        self.seconds = time.monotonic() - started
        self.state = "passed" if succeeded else "failed"

    def command(self, show):
        self.process = subprocess.Popen(
            ["nice", "-n", str(self.nice), *map(str, self.work)],
            cwd=ROOT,
            env=os.environ | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # A group of its own, so that what a script has started ends with it.
            process_group=0,
        )
        for line in self.process.stdout:
            line = line.rstrip("\n")
            self.log(line)
            show(line)
        code = self.process.wait()
        if code != 0:
            ending = f"signal {-code}" if code < 0 else f"exit code {code}"
            self.log(f"error: {self.name}: {ending}")
        return code

    def stop(self):
        if self.process and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGTERM)


def excerpt(lines, most=40):
    """What a failed part's output ends with, and before it the checks that failed earlier.

    A log of a run may have lost its beginning, and a part is shown whole where it ended.
    """
    earlier = [
        line for line in lines[:-most] if line.startswith("FAILED") or line.endswith("... FAILED")
    ]
    return [*earlier[:most], *lines[-most:]]


class Run:
    """All parts of one run."""

    def __init__(self, parts):
        self.parts = {part.name: part for part in parts}
        self.changed = threading.Condition()
        self.started = time.monotonic()
        # The part whose output is shown while it runs, and the parts to show after it.
        self.shown, self.pending, self.stopped = None, [], False

    def run(self):
        """Runs every part and prints the summary. Gives the exit code."""
        signal.signal(signal.SIGTERM, self.interrupt)
        signal.signal(signal.SIGINT, self.interrupt)
        threads = []
        with self.changed:
            while waiting := [part for part in self.parts.values() if part.state == "waiting"]:
                ready = [part for part in waiting if self.is_ready(part)]
                for part in ready:
                    part.state = "running"
                    threads.append(threading.Thread(target=self.work, args=(part,)))
                    threads[-1].start()
                if not ready and any(part.state == "waiting" for part in waiting):
                    self.changed.wait(timeout=1)
        for thread in threads:
            thread.join()
        return self.summarize()

    def is_ready(self, part):
        states = [self.parts[name].state for name in part.after if name in self.parts]
        if self.stopped or any(state in ("failed", "not run") for state in states):
            part.state = "not run"
        return part.state == "waiting" and all(state == "passed" for state in states)

    def work(self, part):
        with self.changed:
            if part.live and self.shown is None:
                self.shown = part
                self.say(f"\n== {part.name}")
        part.run(lambda line: self.say(line) if self.shown is part else None)
        with self.changed:
            if self.shown is part:
                self.shown = None
                for line in part.lines[-1:] if part.state == "failed" else []:
                    self.say(line)
            else:
                self.pending.append(part)
            while self.shown is None and self.pending:
                done = self.pending.pop(0)
                self.say("\n".join([f"\n== {done.name}", *done.lines]))
            self.changed.notify_all()

    def say(self, text):
        print(text, flush=True)

    def interrupt(self, *_):
        self.stopped = True
        for part in self.parts.values():
            part.stop()

    def summarize(self):
        counts, troubles = Counts(), []
        for part in self.parts.values():
            counts += Counts.of(part.lines, part.state == "passed" or part.state == "not run")
            if part.state == "not run":
                troubles.append(f"not run: {part.name}")
            elif part.state == "failed":
                troubles.append(f"failed: {part.name}")
                self.say("\n".join([f"\n== {part.name} failed", *excerpt(part.lines)]))
        if os.environ.get("CI") == "true":
            troubles += [f"skipped in CI: {reason}" for reason in counts.refused()]
        if self.stopped:
            troubles.append("interrupted")
        # Troubles count as failures, so that the last line never reads like a success.
        if troubles and not counts.failed:
            counts.failed = len(troubles)
        seconds = [(part.name, part.seconds) for part in self.parts.values() if part.seconds]
        seconds.append(("all of it, wall time", time.monotonic() - self.started))
        for trouble in troubles:
            print(f"error: {trouble}", file=sys.stderr)
        sys.stderr.flush()
        self.say(report(counts, seconds))
        return 1 if troubles or counts.failed else 0
