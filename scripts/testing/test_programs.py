"""Tests of the choice and the order of programs in programs.py."""

import contextlib
import io
import json
import sys
import unittest
from pathlib import Path

from .programs import Program, Runner, programs_in


def built(crate, source, test=True):
    return json.dumps(
        {
            "reason": "compiler-artifact",
            "manifest_path": f"/w/crates/{crate}/Cargo.toml",
            "target": {"src_path": f"/w/crates/{crate}/{source}"},
            "profile": {"test": test},
            "executable": f"/w/target/debug/deps/{crate}-{Path(source).stem}",
        }
    )


class Programs(unittest.TestCase):
    def test_the_longest_comes_first_and_programs_without_tests_are_left_out(self):
        messages = [
            built("cloud", "src/lib.rs"),
            built("dataset", "examples/read.rs", test=False),
            built("orchestrator", "tests/program/main.rs"),
            json.dumps({"reason": "build-finished", "success": True}),
        ]
        programs = programs_in(messages, "/w")
        titles = ["crates/orchestrator/tests/program/main.rs", "crates/cloud/src/lib.rs"]
        self.assertEqual(
            [program.title for program in programs], [f"     Running {t}" for t in titles]
        )
        self.assertEqual(programs[1].command, ["/w/target/debug/deps/cloud-lib"])
        self.assertEqual(programs[1].directory, Path("/w/crates/cloud"))

    def test_a_program_that_fails_is_named_and_its_output_is_shown(self):
        runner, printed = Runner(), io.StringIO()
        code = "import sys; print('one'); print('two', file=sys.stderr); sys.exit(101)"
        program = Program("     Running a.rs", [sys.executable, "-uc", code], Path.cwd())
        with contextlib.redirect_stdout(printed):
            runner.run(program)
        self.assertEqual(printed.getvalue(), "     Running a.rs\none\ntwo\n\n")
        self.assertEqual(runner.failed, ["Running a.rs: exit code 101"])


if __name__ == "__main__":
    unittest.main()
