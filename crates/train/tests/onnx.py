"""Scores tables of features as `onnx.py MODEL.onnx FEATURES.csv ...`, knowing no more than the model
says of itself: a line `label,probability` for each row, the probability being that of class 1."""

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
