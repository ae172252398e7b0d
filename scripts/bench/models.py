"""Functions of the server's benchmark: models of our programs, and records for them."""

import csv
import json
import struct
import sys
import tarfile

from shared import ROOT, call

# The table, the settings and the least number of nodes of a large model.
LARGE_ROWS, LARGE, NODES = 200_000, ["-p", "NEstimators=400", "-p", "MaxDepth=0"], 3_000_000


def model_of(programs, table, made, *more):
    """Trains with our programs, and gives a directory with the model as SageMaker lays it out."""
    settings, runs = ROOT / "config" / "pipeline_config.yaml", made / "runs"
    run = [programs / "orchestrator", "run", "--config", settings, "--runs", runs]
    package = call([*run, "--input", table, "--programs", programs, "--json", *more])
    uri = json.loads(package)["model_package"]["model_data_url"].removeprefix("s3://")
    with tarfile.open(runs / "s3" / uri) as archive:
        archive.extractall(made / "model", filter="data")
    return made


def nodes_of(path):
    """Counts the nodes of a forest.bin."""
    forest = path.read_bytes()
    version, _, _, _, trees, features, classes = struct.unpack_from("<7I", forest, 8)
    if version != 3:
        sys.exit(f"error: forest.bin has version {version}, expected 3")
    place, nodes = 8 + 28 + 8 * features, 0
    for _ in range(trees):
        count, leaves = struct.unpack_from("<2I", forest, place)
        place += 8 + 12 * count + 4 * (classes + 1) * leaves
        nodes += count
    return nodes


def large_model(programs, made):
    """Trains a model of at least three million nodes, and gives its directory and the nodes."""
    made.mkdir()
    table = made / "raw.csv"
    call([programs / "orchestrator", "sample", "--rows", LARGE_ROWS, "--output", table])
    nodes = nodes_of(model_of(programs, table, made, *LARGE) / "model" / "forest.bin")
    if nodes < NODES:
        sys.exit(f"error: the large forest has {nodes:,} nodes, expected {NODES:,}")
    return made, nodes


def records_of(table, recipe):
    """Gives the complete rows of a table as records: lines of the columns that the model reads."""
    names = [column["column"]["name"] for column in recipe["columns"]]
    with open(table, encoding="utf-8", newline="") as lines:
        header, *rows = csv.reader(lines)
    places = {cell.split("(")[0]: place for place, cell in enumerate(header)}
    chosen = [[row[places[name]].strip() for name in names] for row in rows]
    return [",".join(record) for record in chosen if all(record)]
