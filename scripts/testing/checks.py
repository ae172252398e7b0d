"""Checks that print a line each and count."""


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def that(self, what, holds, shown=""):
        """Counts a check, and prints `shown` where it fails."""
        if holds:
            self.passed += 1
        else:
            self.failed += 1
        print(f"{'ok' if holds else 'FAILED':<8}{what}", flush=True)
        if not holds and shown:
            print(shown, flush=True)
        return bool(holds)

    def equal(self, what, found, expected):
        self.that(what, found == expected, f"  found {found!r}, expected {expected!r}")

    def contains(self, what, text, *parts):
        """Checks that a text has each of these parts."""
        missing = [part for part in parts if part not in text]
        self.that(what, not missing, f"  missing {missing!r} in:\n{text}")

    def finish(self):
        """Prints the numbers and gives the exit code."""
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed else 0
