"""Preprocess: WORKDIR/raw.csv becomes training and test features, and the recipe of both."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

SENSORS = [
    "Hydraulic_Pressure",
    "Coolant_Pressure",
    "Air_System_Pressure",
    "Coolant_Temperature",
    "Hydraulic_Oil_Temperature",
    "Spindle_Bearing_Temperature",
    "Spindle_Vibration",
    "Tool_Vibration",
    "Spindle_Speed",
    "Voltage",
    "Torque",
    "Cutting",
]
ENGINEERED = ["Pressure_Differential", "Vibration_Ratio", "Pressure_Force_Interaction"]
LABELS = {"machine_failure": 1, "no_machine_failure": 0}


def load(path):
    """The clean table, and how many rows were read, incomplete and duplicate."""
    raw = pd.read_csv(path)
    raw.columns = raw.columns.str.replace(r"\s*\(.*\)$", "", regex=True)
    table = raw[SENSORS].astype("float64")
    table["label"] = raw["Downtime"].str.strip().str.lower().map(LABELS)
    complete = table.replace([np.inf, -np.inf], np.nan).dropna()
    clean = complete.drop_duplicates().astype({"label": "int64"})
    rows = {
        "read": len(raw),
        "missing": len(raw) - len(complete),
        "duplicate": len(complete) - len(clean),
        "kept": len(clean),
    }
    return clean, rows


def engineer(sensors, pressure_median):
    features = sensors.copy()
    features["Pressure_Differential"] = sensors["Hydraulic_Pressure"] - pressure_median
    features["Vibration_Ratio"] = sensors["Tool_Vibration"] / (sensors["Spindle_Vibration"] + 1e-6)
    features["Pressure_Force_Interaction"] = sensors["Hydraulic_Pressure"] * sensors["Cutting"]
    return features.replace([np.inf, -np.inf], np.nan)


def main(workdir):
    table, rows = load(workdir / "raw.csv")
    train, test = train_test_split(table, test_size=0.2, stratify=table["label"], random_state=42)

    # From the training rows only, or the test set would leak.
    pressure_median = train["Hydraulic_Pressure"].median()
    train_features = engineer(train[SENSORS], pressure_median)
    test_features = engineer(test[SENSORS], pressure_median)
    feature_medians = train_features[ENGINEERED].median()
    train_features = train_features.fillna(feature_medians)
    test_features = test_features.fillna(feature_medians)

    train_features.assign(label=train["label"]).to_csv(workdir / "train.csv", index=False)
    test_features.assign(label=test["label"]).to_csv(workdir / "test.csv", index=False)
    recipe = {
        "features": list(train_features.columns),
        "pressure_median": pressure_median,
        "sensor_medians": train[SENSORS].median().to_dict(),
        "feature_medians": feature_medians.to_dict(),
    }
    (workdir / "recipe.json").write_text(json.dumps(recipe, indent=2))
    summary = {
        "rows": rows,
        "train": {"rows": len(train), "failures": int(train["label"].sum())},
        "test": {"rows": len(test), "failures": int(test["label"].sum())},
        "columns": table[SENSORS].describe().to_dict(),
    }
    (workdir / "summary.json").write_text(json.dumps(summary, indent=2))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
