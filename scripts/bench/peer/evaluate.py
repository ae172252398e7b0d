"""Evaluate: WORKDIR/model.tar.gz and WORKDIR/test.csv become evaluation.json and metrics.json."""

import json
import sys
import tarfile
from pathlib import Path

import joblib
import pandas as pd
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    confusion_matrix,
    f1_score,
    log_loss,
    precision_recall_curve,
    precision_score,
    recall_score,
    roc_auc_score,
    roc_curve,
)

GATES = {"accuracy": 0.80, "f1_score": 0.75, "recall": 0.85}


def main(workdir):
    with tarfile.open(workdir / "model.tar.gz") as archive:
        forest = joblib.load(archive.extractfile("model.joblib"))
    table = pd.read_csv(workdir / "test.csv")
    features, labels = table.drop(columns="label"), table["label"]
    # For some hundred rows, starting threads takes longer than the trees.
    scores = forest.set_params(n_jobs=1).predict_proba(features)[:, 1]
    predicted = scores > 0.5

    matrix = confusion_matrix(labels, predicted, labels=[0, 1])
    (tn, fp), (fn, tp) = matrix.tolist()
    metrics = {
        "accuracy": accuracy_score(labels, predicted),
        "precision": precision_score(labels, predicted, zero_division=0),
        "recall": recall_score(labels, predicted, zero_division=0),
        "f1_score": f1_score(labels, predicted, zero_division=0),
        "roc_auc": roc_auc_score(labels, scores),
        "pr_auc": average_precision_score(labels, scores),
        "specificity": tn / (tn + fp),
        "npv": tn / (tn + fn) if tn + fn else 0.0,
        "log_loss": log_loss(labels, scores),
        "brier_score": brier_score_loss(labels, scores),
    }
    false_positive_rates, true_positive_rates, _ = roc_curve(labels, scores)
    precisions, recalls, _ = precision_recall_curve(labels, scores)
    report = {
        "dataset": {"item_count": len(labels)},
        "binary_classification_metrics": {
            "confusion_matrix": {"0": {"0": tn, "1": fp}, "1": {"0": fn, "1": tp}},
            **{
                name: {"value": value, "standard_deviation": "NaN"}
                for name, value in metrics.items()
            },
            "receiver_operating_characteristic_curve": {
                "false_positive_rates": false_positive_rates.tolist(),
                "true_positive_rates": true_positive_rates.tolist(),
            },
            "precision_recall_curve": {
                "precisions": precisions.tolist(),
                "recalls": recalls.tolist(),
            },
        },
        "gates": [
            {
                "metric": name,
                "minimum": least,
                "value": metrics[name],
                "met": metrics[name] >= least,
            }
            for name, least in GATES.items()
        ],
    }
    (workdir / "evaluation.json").write_text(json.dumps(report, indent=2))
    (workdir / "metrics.json").write_text(json.dumps(metrics, indent=2))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
