"""Register: a model whose metrics meet the gates becomes a version in WORKDIR/registration.json."""

# This step needs neither pandas nor scikit-learn, whose imports take seconds.
import hashlib
import json
import sys
from pathlib import Path

GATES = {"accuracy": 0.80, "f1_score": 0.75, "recall": 0.85}


def main(workdir):
    metrics = json.loads((workdir / "metrics.json").read_text())
    missed = [
        f"{name} is {metrics[name]:.4f}, expected at least {least}"
        for name, least in GATES.items()
        if not metrics[name] >= least
    ]
    if missed:
        sys.exit("quality gates not met: " + "; ".join(missed))
    registration = {
        "group": "machine-downtime-model-group",
        "version": 1,
        "status": "Completed",
        "approval_status": "PendingManualApproval",
        "model_data_url": str(workdir / "model.tar.gz"),
        "metrics_url": str(workdir / "evaluation.json"),
        "content_types": ["text/csv", "application/json", "application/jsonlines"],
        "metadata": {
            "algorithm": "random_forest",
            "data_digest": hashlib.sha256((workdir / "train.csv").read_bytes()).hexdigest(),
            **{name: str(metrics[name]) for name in GATES},
        },
    }
    (workdir / "registration.json").write_text(json.dumps(registration, indent=2))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
