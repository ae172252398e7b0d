"""Functions of all benchmarks: building our programs, installing the peers."""

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def say(message):
    print(message, file=sys.stderr, flush=True)


def spread(values, digits=1):
    """Formats the median, and in brackets the least and the greatest value."""
    middle, least, most = (f"{x:.{digits}f}" for x in (median(values), min(values), max(values)))
    return f"{middle} ({least} to {most})"


def call(command, **options):
    """Gives the standard output of a command; one that fails ends the program with its output."""
    done = subprocess.run([str(word) for word in command], capture_output=True, **options)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).decode(errors="replace")
        sys.exit(f"{said}error: {shlex.join(map(str, command))}: exit code {done.returncode}")
    return done.stdout


def built(*what):
    """Builds with these arguments of cargo, and gives the directory of release programs."""
    say("building our programs")
    command = ["cargo", "build", "--release", "--locked", *what]
    if subprocess.run(command, cwd=ROOT).returncode != 0:
        sys.exit("error: our programs do not build")
    metadata = ["cargo", "metadata", "--format-version", "1", "--no-deps", "--locked"]
    return Path(json.loads(call(metadata, cwd=ROOT))["target_directory"]) / "release"


def interpreter(name, requirements, libraries):
    """Gives the Python of a virtual environment with the libraries of a requirements file."""
    venv, requirements = ROOT / ".venv" / name, HERE / requirements
    # Copied last, so its presence says that the rest is complete.
    installed = venv / "requirements.txt"
    python = venv / "bin" / "python"
    same = installed.is_file() and installed.read_bytes() == requirements.read_bytes()
    # Starting fails where the Python that the environment was made with is gone.
    if same and subprocess.run([python, "-c", f"import {libraries}"]).returncode == 0:
        return python
    if sys.version_info < (3, 11):
        sys.exit("error: the peers' libraries need Python 3.11 or later")
    say(f"installing the peers' libraries into {venv.relative_to(ROOT)}")
    if subprocess.run([sys.executable, "-m", "venv", "--clear", venv]).returncode != 0:
        sys.exit(
            f"error: {sys.executable} cannot make a virtual environment; on Debian and Ubuntu its "
            "venv module is a package of its own: apt-get install python3-venv"
        )
    pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements]
    if subprocess.run([python, *pip]).returncode != 0:
        sys.exit("error: pip could not install the peers' libraries; see above")
    shutil.copyfile(requirements, installed)
    return python
