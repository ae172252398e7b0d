"""Executes the notebook and checks what it has found."""

import json
import subprocess
import sys
import time

from testing.parts import ROOT

NOTEBOOK = ROOT / "notebooks/run_pipeline.ipynb"
# It is executed after the notebook's own cells and prints what they have found.
PROBE = """
import json

try:
    refused = run(["models", "show", "99", *registry, "--json"])
except OrchestratorError as error:
    refused = [str(error), error.code]
found = {
    "on_aws": on_aws,
    "session": {check["subject"]: check["verdict"] for check in session["checks"]},
    "execution": execution,
    "steps": steps["status"].to_dict(),
    "metrics": metrics["value"].to_dict(),
    "confusion": confusion.to_numpy().tolist(),
    "rows": len(predictions),
    "probabilities": [predictions["probability"].min(), predictions["probability"].max()],
    "versions": versions[["version", "approval_status"]].to_numpy().tolist(),
    "summary": {key: str(value) for key, value in summary.items()},
    "refused": refused,
}
print(json.dumps(found))
"""


def call(command, **options):
    """Runs a command that must succeed, and gives what it prints."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    done = subprocess.run([str(word) for word in command], **streams, **options)
    if done.returncode != 0:
        sys.exit(f"{done.stdout}\nerror: {command[0]}: exit code {done.returncode}")
    return done.stdout


def execute(scripts, directory, variables):
    """Executes the notebook in a directory. Gives its cells by id, what was found, the seconds."""
    notebook = json.loads(NOTEBOOK.read_text())
    probe = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    notebook["cells"].append({**probe, "id": "probe", "source": PROBE})
    file = directory / NOTEBOOK.name
    file.write_text(json.dumps(notebook))
    started = time.monotonic()
    # Nothing of the user's: no settings of Jupyter or AWS, and no program but the wheel's.
    environment = {
        "PATH": f"{scripts}:/usr/bin:/bin",
        "HOME": str(directory),
        "AWS_EC2_METADATA_DISABLED": "true",
        **variables,
    }
    command = [scripts / "jupyter-execute", "--inplace", "--timeout=120", file.name]
    call(command, cwd=directory, env=environment)
    seconds = time.monotonic() - started
    cells = {cell["id"]: cell for cell in json.loads(file.read_text())["cells"]}
    lines = [line for output in cells["probe"]["outputs"] for line in output["text"]]
    # What the program says comes before.
    return cells, json.loads(lines[-1]), seconds


def check_results(checks, cells, found, seconds, evaluation):
    """Checks what is the same here and on SageMaker."""
    metrics = evaluation["binary_classification_metrics"]
    checks.that(f"it takes {seconds:.0f} s of 60", seconds < 60)
    checks.equal("the accuracy", found["metrics"]["accuracy"], metrics["accuracy"]["value"])
    checks.equal(
        "the accuracy of the summary",
        float(found["summary"]["accuracy"]),
        metrics["accuracy"]["value"],
    )
    counts = [[metrics["confusion_matrix"][a][p] for p in "01"] for a in "01"]
    checks.equal("the confusion matrix", found["confusion"], counts)
    checks.equal("the report", found["execution"]["evaluation"], evaluation)
    steps = ["Preprocess", "Train", "Evaluate", "QualityGate", "Register"]
    checks.equal("the steps", found["steps"], dict.fromkeys(steps, "Succeeded"))
    checks.equal("the version", found["versions"], [[1, "PendingManualApproval"]])
    checks.equal("the version of the summary", found["summary"]["version"], "1")
    checks.equal("the predictions", found["rows"], 2500)
    low, high = found["probabilities"]
    checks.that("they differ", 0 <= low < 0.1 < 0.9 < high <= 1, f"  {low} to {high}")
    pictures = [
        one["data"]["image/png"]
        for one in cells["figures"]["outputs"]
        if "image/png" in one.get("data", {})
    ]
    checks.equal("the figures", len(pictures), 1)
    tables = [name for name, cell in cells.items() if "text/html" in str(cell.get("outputs"))]
    checks.contains(
        "the tables",
        tables,
        "set-up",
        "session",
        "definition",
        "monitor",
        "outputs",
        "metrics",
        "versions",
        "predictions",
        "summary",
    )
    words, code = found["refused"]
    checks.contains(
        "an error is the program's", words, "of version 99 in group", "(versions there: 1)"
    )
    checks.equal("so is its exit code", code, 2)
