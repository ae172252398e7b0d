"""Tests of the scheduling and the output of parts."""

import contextlib
import io
import unittest

from .parts import Part, PartFailed, Run


def run(*parts):
    """Runs parts. Gives the exit code, the printed lines, and the state of each part."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        code = Run(parts).run()
    return code, printed.getvalue().splitlines(), {part.name: part.state for part in parts}


def shell(script):
    return ["sh", "-c", script]


class Scheduling(unittest.TestCase):
    def test_all_parts_pass(self):
        code, lines, _ = run(
            Part("first", shell("echo 2 passed, 0 failed")),
            Part("second", shell("echo 3 passed, 0 failed"), after=("first", "in no run")),
        )
        self.assertEqual((code, lines[-1]), (0, "5 passed, 0 failed, 0 skipped"))

    def test_a_failure_fails_the_run_and_stops_what_needs_it(self):
        code, lines, states = run(
            Part("first", shell("echo 2 passed, 0 failed; exit 3")),
            Part("second", shell("echo 9 passed, 0 failed"), after=("first",)),
            Part("third", shell("echo 1 passed, 0 failed"), after=("second",)),
            Part("other", shell("echo 4 passed, 0 failed")),
        )
        self.assertEqual(states["second"], "not run")
        self.assertEqual(states["third"], "not run")
        self.assertIn("error: first: exit code 3", lines)
        self.assertEqual((code, lines[-1]), (1, "6 passed, 1 failed, 0 skipped"))

    def test_why_a_part_failed_stands_at_the_end(self):
        count = "i=0; while [ $i -lt 60 ]; do echo line $i; i=$((i + 1)); done"
        _, lines, _ = run(Part("first", shell(f"echo FAILED a check; {count}; exit 1")))
        end = lines[lines.index("== first failed") :]
        self.assertEqual(end[1:3], ["FAILED a check", "line 21"])
        self.assertIn("error: first: exit code 1", end)

    def test_a_program_that_a_signal_ends_has_failed(self):
        code, lines, _ = run(Part("first", shell("kill -9 $$")))
        self.assertEqual((code, lines[-1]), (1, "0 passed, 1 failed, 0 skipped"))

    def test_a_function_fails_by_an_exception(self):
        def work(log):
            log("said before")
            raise PartFailed("no network")

        code, lines, _ = run(Part("first", work))
        self.assertIn("said before", lines)
        self.assertIn("error: no network", lines)
        self.assertEqual(code, 1)

    def test_the_output_of_two_parts_is_not_mixed(self):
        script = "for i in 1 2 3; do echo {0}; sleep 0.05; done"
        _, lines, _ = run(
            Part("a", shell(script.format("a")), live=True), Part("b", shell(script.format("b")))
        )
        letters = "".join(line for line in lines if line in ("a", "b"))
        self.assertIn(letters, ("aaabbb", "bbbaaa"))


if __name__ == "__main__":
    unittest.main()
