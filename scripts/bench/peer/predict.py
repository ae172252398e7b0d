"""Predict: reads a table as preprocess.py does, and writes its rows with the model's answers.

`predict.py WORKDIR TABLE OUTPUT`, where the model and its recipe are in WORKDIR.
"""

import json
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from preprocess import SENSORS, engineer


def main(workdir, table, output):
    forest = joblib.load(workdir / "model.joblib")
    recipe = json.loads((workdir / "recipe.json").read_text())
    raw = pd.read_csv(table)
    names = raw.columns.str.replace(r"\s*\(.*\)$", "", regex=True)
    sensors = raw.set_axis(names, axis=1)[SENSORS].astype("float64")
    missing = sensors.replace([np.inf, -np.inf], np.nan).isna()
    sensors = sensors.fillna(recipe["sensor_medians"])
    features = engineer(sensors, recipe["pressure_median"]).fillna(recipe["feature_medians"])
    raw["probability"] = forest.predict_proba(features)[:, 1]
    failure = raw["probability"] > 0.5
    raw["predicted"] = np.where(failure, "Machine_Failure", "No_Machine_Failure")
    names = np.array(SENSORS)
    raw["imputed"] = [
        "; ".join(names[row]) if any_ else ""
        for row, any_ in zip(missing.to_numpy(), missing.any(axis=1), strict=True)
    ]
    raw.to_csv(output, index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
