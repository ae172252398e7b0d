"""Counts tests in the output of cargo and of the scripts: passed, failed, and skipped by reason."""

import re
from collections import Counter

# Cargo's line before each test program.
PROGRAM = re.compile(r"^ +(Running|Doc-tests) ")
# libtest's closing line of each test program.
LIBTEST = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;")
# The closing line of a script of checks.
SCRIPT = re.compile(r"^(\d+) passed, (\d+) failed$")
# A test that returns early prints this and passes, so it is one of libtest's passed tests. libtest
# may have left the name of another test at the beginning of the line.
SKIPPED = re.compile(r"\bskipped: (.+)$")
IGNORED = re.compile(r"^test (.+) \.\.\. ignored(?:, (.+))?$")
FINISHED = re.compile(r"^test (.+) \.\.\. (?:ok|FAILED)$")
COLOR = re.compile(r"\x1b\[[0-9;]*m")

# What CI accepts: the table of a real plant is no part of the repository, and only root may mount.
ACCEPTED = {"no real table", "no loop device", "no right to mount a disk"}


class Counts:
    """The tests of one or more parts."""

    def __init__(self):
        self.passed = self.failed = 0
        self.skipped = Counter()
        # Tests that libtest left out, with the reason, and the names of those that it ran.
        self.ignored = []
        self.finished = Counter()

    @classmethod
    def of(cls, lines, succeeded=True):
        """Counts the lines that a part printed.

        A part that fails without a failed test, as when a test program crashes or does not compile,
        counts as one failed test.
        """
        counts = cls()
        # A test may start its own program again and so print another closing line: the last counts.
        result = None
        for line in [*lines, "     Running nothing more"]:
            line = COLOR.sub("", line).rstrip()
            if PROGRAM.match(line) and result:
                counts.add_result(result)
                result = None
            if found := LIBTEST.match(line):
                result = found
            else:
                counts.add_line(line)
        # libtest counts a test that returned early as passed; a script that skips all counts none.
        counts.passed = max(counts.passed - counts.skipped.total(), 0)
        if not succeeded and not counts.failed:
            counts.failed = 1
        return counts

    def add_result(self, found):
        self.passed += int(found[1])
        self.failed += int(found[2])

    def add_line(self, line):
        if found := SCRIPT.match(line):
            self.add_result(found)
        elif found := IGNORED.match(line):
            self.ignored.append((found[1], found[2] or "ignored without a reason"))
        elif found := FINISHED.match(line):
            self.finished[found[1]] += 1
        elif found := SKIPPED.search(line):
            self.skipped[found[1]] += 1

    def __add__(self, other):
        total = Counts()
        total.passed = self.passed + other.passed
        total.failed = self.failed + other.failed
        total.skipped = self.skipped + other.skipped
        total.ignored = self.ignored + other.ignored
        total.finished = self.finished + other.finished
        return total

    def reasons(self):
        """Gives the skipped tests by reason, without the ignored tests that another part ran."""
        reasons, finished = Counter(self.skipped), Counter(self.finished)
        for name, reason in self.ignored:
            if finished[name]:
                finished[name] -= 1
            else:
                reasons[reason] += 1
        return reasons

    def refused(self):
        """The reasons that CI does not accept; an ignored test says itself when to run it."""
        return sorted(set(self.skipped) - ACCEPTED)


def report(counts, seconds):
    """The last lines of a run. `seconds` has the name and duration of each part, in order."""
    reasons = counts.reasons()
    numbers = f"{counts.passed} passed, {counts.failed} failed, {reasons.total()} skipped"
    lines = ["", f"tests    {numbers}"]
    lines += [f"skipped  {number:>4}  {reason}" for reason, number in reasons.most_common()]
    lines += [f"seconds  {taken:>4.0f}  {name}" for name, taken in seconds]
    return "\n".join([*lines, numbers])
