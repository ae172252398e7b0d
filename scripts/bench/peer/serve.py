"""Serve: a Flask application that answers CSV records with the probabilities of a failure.

`gunicorn serve:app` with PEER_KIND=sklearn, where PEER_DIR has model.joblib and recipe.json of
train.py, or with PEER_KIND=onnxruntime, where PEER_DIR has model.onnx and recipe.json of ours.
"""

import io
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
from flask import Flask, Response, request

app = Flask(__name__)


def sklearn(workdir):
    """Gives the median of the pressure, and what scores features."""
    import joblib

    forest = joblib.load(workdir / "model.joblib").set_params(n_jobs=1)
    # Or it warns at each request that the features have no names.
    del forest.feature_names_in_
    recipe = json.loads((workdir / "recipe.json").read_text())
    return recipe["pressure_median"], lambda features: forest.predict_proba(features)[:, 1]


def onnxruntime(workdir):
    """Gives the median of the pressure, and what scores features."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(workdir / "model.onnx", options)
    name = session.get_inputs()[0].name
    recipe = json.loads((workdir / "recipe.json").read_text())["recipe"]
    medians = [each for feature in recipe["features"] for each in feature["statistics"]]

    def score(features):
        return session.run(["probabilities"], {name: features})[0][:, 1]

    return medians[0]["value"], score


KINDS = {"sklearn": sklearn, "onnxruntime": onnxruntime}
MEDIAN, SCORE = KINDS[os.environ["PEER_KIND"]](Path(os.environ["PEER_DIR"]))


def features_of(body):
    """Reads records. One is read by hand: pandas takes longer to start than to read it."""
    if b"\n" not in body.rstrip():
        row = [float(cell) for cell in body.split(b",")]
        row += [row[0] - MEDIAN, row[7] / (row[6] + 1e-6), row[0] * row[11]]
        return np.array([row], dtype=np.float32)
    rows = pd.read_csv(io.BytesIO(body), header=None, dtype=np.float64).to_numpy()
    pressure = rows[:, 0]
    more = [pressure - MEDIAN, rows[:, 7] / (rows[:, 6] + 1e-6), pressure * rows[:, 11]]
    return np.column_stack([rows, *more]).astype(np.float32)


@app.get("/ping")
def ping():
    return ""


@app.post("/invocations")
def invocations():
    probabilities = SCORE(features_of(request.get_data())).tolist()
    return Response("\n".join(map(str, probabilities)) + "\n", mimetype="text/csv")
