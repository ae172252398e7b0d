"""Scores tables of features by what the model says of itself: onnx.py MODEL.onnx FEATURES.csv...

It prints a line `label,probability` for each row, with the probability of class 1.
"""

import csv
import json
import sys

import numpy
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
features = json.loads(session.get_modelmeta().custom_metadata_map["features"])
for path in sys.argv[2:]:
    with open(path, encoding="utf-8", newline="") as file:
        rows = [[float(row[name]) for name in features] for row in csv.DictReader(file)]
    table = numpy.array(rows, numpy.float32)
    labels, probabilities = session.run(["label", "probabilities"], {"X": table})
    for label, (_, probability) in zip(labels, probabilities, strict=True):
        print(f"{label},{probability:.9g}")
