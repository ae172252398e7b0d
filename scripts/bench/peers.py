"""Functions of the forest's benchmarks: tables, and a fit of ours and of scikit-learn."""

import json
import os
import sys

from shared import built, call, interpreter

TREES, DEPTH, THREADS = 200, 10, 2


def in_venv():
    """Starts the program again with the peers' libraries, unless it runs with them."""
    if "BENCH_HAS_LIBRARIES" in os.environ:
        return
    python = interpreter("bench-forest", "requirements-forest.txt", "sklearnex, skl2onnx")
    threads = {"OMP_NUM_THREADS": str(THREADS), "BENCH_HAS_LIBRARIES": "1"}
    os.execve(python, [str(python), *sys.argv], os.environ | threads)


def build():
    return built("-p", "forest", "--example", "measure") / "examples" / "measure"


def generated(rows):
    """Generates 15 features, 8 informative and 3 redundant; one label in twenty is wrong."""
    from sklearn.datasets import make_classification

    return make_classification(
        rows, 15, n_informative=8, n_redundant=3, flip_y=0.05, class_sep=0.8, random_state=7
    )


def real(path):
    """Reads the numeric columns and the label, which is the last column, of the complete rows."""
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


def save(path, records, labels):
    """Writes a table in the format that our program reads."""
    import numpy as np

    np.column_stack([records, labels]).astype("<f4").tofile(path)


class Ours:
    def __init__(self, program, workdir):
        self.program, self.scores = program, workdir / "probabilities"

    def run(self, table, features, seed, max_bins=0):
        """Fits once and gives the program's report; `scores` then has the probabilities of 1."""
        words = [self.program, table, features, TREES, max_bins, seed, self.scores]
        environment = os.environ | {"RAYON_NUM_THREADS": str(THREADS)}
        return json.loads(call(words, env=environment))


def fit_sklearn(records, labels, trees, seed):
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(
        trees, max_depth=DEPTH, class_weight="balanced", random_state=seed, n_jobs=THREADS
    )
    return forest.fit(records, labels)
