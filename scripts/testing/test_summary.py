"""Tests of the counting in summary.py."""

import unittest

from .summary import Counts, report

LIBTEST = """\
running 4 tests
test a ... ok
skipped: no real table
test module::b ... ok
test c ... ignored, needs the images: scripts/test --all
test d ... FAILED
test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s
"""


class Counting(unittest.TestCase):
    def test_a_skipped_test_has_not_passed(self):
        counts = Counts.of(LIBTEST.splitlines(), succeeded=False)
        self.assertEqual((counts.passed, counts.failed), (1, 1))
        expected = {"no real table": 1, "needs the images: scripts/test --all": 1}
        self.assertEqual(counts.reasons(), expected)

    def test_an_ignored_test_that_another_part_runs_is_not_skipped(self):
        later = Counts.of(["test c ... ok", "test result: ok. 1 passed; 0 failed; 0 ignored; ..."])
        total = Counts.of(LIBTEST.splitlines()) + later
        self.assertEqual(total.reasons(), {"no real table": 1})
        self.assertEqual((total.passed, total.failed), (2, 1))

    def test_a_skip_is_found_behind_the_name_of_another_test(self):
        counts = Counts.of(["test x ... skipped: no moto server", "ok"])
        self.assertEqual(counts.skipped, {"no moto server": 1})

    def test_a_test_that_runs_its_own_program_counts_once(self):
        result = "test result: ok. {} passed; 0 failed; 0 ignored; 0 measured; {} filtered out"
        programs = [["     Running tests/a.rs (a-0)", result.format(1, 17), result.format(18, 0)]]
        programs.append(["   Doc-tests a", result.format(2, 0)])
        self.assertEqual(Counts.of([*programs[0], *programs[1]]).passed, 20)

    def test_colors_do_not_hide_a_result(self):
        line = "test result: \x1b[32mok\x1b[0m. 3 passed; 0 failed; 0 ignored; 0 measured"
        self.assertEqual(Counts.of([line]).passed, 3)

    def test_a_script_prints_its_own_numbers(self):
        counts = Counts.of(["48 passed, 2 failed"], succeeded=False)
        self.assertEqual((counts.passed, counts.failed), (48, 2))

    def test_a_part_that_crashes_is_a_failed_test(self):
        lines = ["test result: ok. 7 passed; 0 failed; 0 ignored; ...", "error: signal: 11"]
        counts = Counts.of(lines, succeeded=False)
        self.assertEqual((counts.passed, counts.failed), (7, 1))

    def test_ci_accepts_one_reason(self):
        lines = ["skipped: no real table", "skipped: no onnxruntime", "test c ... ignored, slow"]
        self.assertEqual(Counts.of(lines).refused(), ["no onnxruntime"])

    def test_the_last_line_is_the_plain_one(self):
        text = report(Counts.of(LIBTEST.splitlines()), [("tests", 12.4)]).splitlines()
        self.assertEqual(text[-1], "1 passed, 1 failed, 2 skipped")
        self.assertIn("seconds    12  tests", text)


if __name__ == "__main__":
    unittest.main()
