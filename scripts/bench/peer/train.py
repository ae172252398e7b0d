"""Train: WORKDIR/train.csv becomes a random forest in WORKDIR/model.tar.gz."""

import json
import sys
import tarfile
from pathlib import Path

import joblib
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)


def main(workdir):
    table = pd.read_csv(workdir / "train.csv")
    features, labels = table.drop(columns="label"), table["label"]
    forest = RandomForestClassifier(
        n_estimators=200,
        max_depth=10,
        min_samples_split=2,
        min_samples_leaf=1,
        max_features="sqrt",
        class_weight="balanced",
        random_state=42,
        n_jobs=-1,
    )
    forest.fit(features, labels)

    scores = forest.predict_proba(features)[:, 1]
    predicted = scores > 0.5
    metrics = {
        "accuracy": accuracy_score(labels, predicted),
        "precision": precision_score(labels, predicted, zero_division=0),
        "recall": recall_score(labels, predicted, zero_division=0),
        "f1_score": f1_score(labels, predicted, zero_division=0),
        "roc_auc": roc_auc_score(labels, scores),
        "log_loss": log_loss(labels, scores),
    }
    for name, value in metrics.items():
        print(f"train_{name}={value:.6f}")
    for name, share in zip(features.columns, forest.feature_importances_, strict=True):
        print(f"feature_importance_{name}={share:.6f}")
    (workdir / "training_metrics.json").write_text(json.dumps(metrics, indent=2))

    joblib.dump(forest, workdir / "model.joblib")
    # Level 9, Python's default, takes longer than the training.
    with tarfile.open(workdir / "model.tar.gz", "w:gz", compresslevel=1) as archive:
        archive.add(workdir / "model.joblib", "model.joblib")
        archive.add(workdir / "recipe.json", "recipe.json")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
