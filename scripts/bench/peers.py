"""What the benches of the forest share: peers' libraries, tables, a fit of ours and of theirs."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
VENV = ROOT / ".venv" / "bench-forest"
TREES, DEPTH, THREADS = 200, 10, 2


def say(message):
    print(message, file=sys.stderr, flush=True)


def in_venv():
    """Starts the program again with the peers' libraries, installing them where they are not."""
    if Path(sys.prefix).resolve() == VENV.resolve():
        return
    requirements = HERE / "requirements-forest.txt"
    installed = VENV / "requirements.txt"
    if not installed.is_file() or installed.read_bytes() != requirements.read_bytes():
        say(f"installing the peers' libraries into {VENV.relative_to(ROOT)}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
        pip = [VENV / "bin" / "python", "-m", "pip", "install", "-q", "-r", requirements]
        subprocess.run(pip, check=True)
        shutil.copyfile(requirements, installed)
    environment = os.environ | {"OMP_NUM_THREADS": str(THREADS)}
    python = str(VENV / "bin" / "python")
    os.execve(python, [python, *sys.argv], environment)


def build():
    say("building")
    command = ["cargo", "build", "--release", "--locked", "-p", "forest", "--example", "measure"]
    subprocess.run(command, cwd=ROOT, check=True)
    metadata = ["cargo", "metadata", "--format-version", "1", "--no-deps", "--locked"]
    found = subprocess.run(metadata, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    return Path(json.loads(found)["target_directory"]) / "release" / "examples" / "measure"


def generated(rows):
    """A table of 15 features: 8 say something, 3 repeat it, one label in twenty is wrong."""
    from sklearn.datasets import make_classification

    return make_classification(
        rows, 15, n_informative=8, n_redundant=3, flip_y=0.05, class_sep=0.8, random_state=7
    )


def real(path):
    """The numbers of a CSV's complete rows and its last column as the label, in a fixed order."""
    import csv

    import numpy as np

    with open(path, encoding="latin-1", newline="") as file:
        lines = [line for line in csv.reader(file) if all(cell.strip() for cell in line)]
    header, rows = lines[0], lines[1:]

    def is_number(cell):
        try:
            return float(cell) == float(cell)
        except ValueError:
            return False

    numbers = [i for i in range(len(header) - 1) if all(is_number(row[i]) for row in rows)]
    records = np.array([[float(row[i]) for i in numbers] for row in rows])
    first = sorted({row[-1] for row in rows})[0]
    labels = np.array([row[-1] == first for row in rows], int)
    order = np.random.RandomState(0).permutation(len(rows))
    return records[order], labels[order]


class Ours:
    def __init__(self, program, workdir):
        self.program, self.scores = program, workdir / "probabilities"

    def run(self, table, features, seed, max_bins=0):
        """What the program says of a fit; the probabilities of class 1 are then at `scores`."""
        words = [self.program, table, features, TREES, max_bins, seed, self.scores]
        environment = os.environ | {"RAYON_NUM_THREADS": str(THREADS)}
        found = subprocess.run(
            list(map(str, words)), check=True, stdout=subprocess.PIPE, env=environment
        )
        return json.loads(found.stdout)


def fit_sklearn(records, labels, trees, seed):
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(
        trees, max_depth=DEPTH, class_weight="balanced", random_state=seed, n_jobs=THREADS
    )
    return forest.fit(records, labels)
