"""Trucks: counters and histograms, `na` for missing, classes neg and pos."""

import sys

import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

path, seed = sys.argv[1], int(sys.argv[2])
table = pd.read_csv(path, comment="#", na_values=["na"])
labels = (table.pop("class") == "pos").astype(int)
train, test, y_train, y_test = train_test_split(
    table, labels, test_size=0.2, stratify=labels, random_state=seed
)
model = make_pipeline(
    SimpleImputer(strategy="median"),
    RandomForestClassifier(
        n_estimators=200, max_depth=10, class_weight="balanced", random_state=seed
    ),
)
model.fit(train, y_train)
print(roc_auc_score(y_test, model.predict_proba(test)[:, 1]))
