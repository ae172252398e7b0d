"""A press: operators, tools and shifts beside numbers, separated by tabs."""

import sys

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

path, seed = sys.argv[1], int(sys.argv[2])
table = pd.read_csv(path, sep="\t")
labels = (table.pop("result") == "Fail").astype(int)
table["guard closed"] = (table["guard closed"] == "yes").astype(int)
train, test, y_train, y_test = train_test_split(
    table, labels, test_size=0.2, stratify=labels, random_state=seed
)
encoder = OneHotEncoder(handle_unknown="ignore", min_frequency=0.01)
model = make_pipeline(
    make_column_transformer(
        (encoder, ["shift", "tool", "operator"]), remainder="passthrough", sparse_threshold=0
    ),
    RandomForestClassifier(
        n_estimators=200, max_depth=10, class_weight="balanced", random_state=seed
    ),
)
model.fit(train, y_train)
print(roc_auc_score(y_test, model.predict_proba(test)[:, 1]))
