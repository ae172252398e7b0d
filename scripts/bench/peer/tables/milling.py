"""A milling machine: numbers, and a grade of three letters."""

import sys

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

path, seed = sys.argv[1], int(sys.argv[2])
table = pd.read_csv(path)
labels = table.pop("Machine failure")
table = table.drop(columns=["UDI", "Product ID"])
train, test, y_train, y_test = train_test_split(
    table, labels, test_size=0.2, stratify=labels, random_state=seed
)
model = make_pipeline(
    make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", min_frequency=0.01), ["Type"]),
        remainder="passthrough",
    ),
    RandomForestClassifier(
        n_estimators=200, max_depth=10, class_weight="balanced", random_state=seed
    ),
)
model.fit(train, y_train)
print(roc_auc_score(y_test, model.predict_proba(test)[:, 1]))
