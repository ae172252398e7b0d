"""Functions of the benchmark of explanations: files of a model, and the features of its rows."""

import struct
import sys

LEAF = 0xFFFFFFFF


def trees_of(forest):
    """Reads the trees of a forest.bin as shap takes them; their values add up to a probability."""
    import numpy as np

    version, _, _, _, trees, features, classes = struct.unpack_from("<7I", forest, 8)
    if version != 3:
        sys.exit(f"error: forest.bin has version {version}, expected 3")
    place = 8 + 28 + 8 * features
    found = []
    for _ in range(trees):
        count, leaves = struct.unpack_from("<2I", forest, place)
        place += 8
        fields = [("feature", "<u4"), ("threshold", "<f4"), ("next", "<u4")]
        nodes = np.frombuffer(forest, dtype=fields, count=count, offset=place)
        place += 12 * count
        shares = np.frombuffer(forest, "<f4", count=classes * leaves, offset=place)
        place += 4 * classes * leaves
        covers = np.frombuffer(forest, "<f4", count=leaves, offset=place)
        place += 4 * leaves
        is_leaf = nodes["feature"] == LEAF
        following = nodes["next"].astype(int)
        weights, values = np.zeros(count), np.zeros(count)
        # Children come after their parents.
        for node in range(count - 1, -1, -1):
            at = following[node]
            if is_leaf[node]:
                weights[node], values[node] = covers[at], shares[classes * at + 1]
            else:
                weights[node] = weights[at] + weights[at + 1]
                both = weights[at] * values[at] + weights[at + 1] * values[at + 1]
                values[node] = both / weights[node]
        left, right = np.where(is_leaf, -1, following), np.where(is_leaf, -1, following + 1)
        tree = {
            "children_left": left,
            "children_right": right,
            "children_default": right.copy(),
            "features": np.where(is_leaf, -2, nodes["feature"].astype(int)),
            "thresholds": nodes["threshold"].astype(float),
            "values": (values / trees).reshape(-1, 1),
            "node_sample_weight": weights,
        }
        found.append(tree)
    return found


def background_of(background):
    """Reads the training rows of a background.bin."""
    import numpy as np

    version, _, rows, features = struct.unpack_from("<4I", background, 8)
    if version != 1:
        sys.exit(f"error: background.bin has version {version}, expected 1")
    values = np.frombuffer(background, "<f4", count=rows * features, offset=24)
    return values.reshape(rows, features)


def cells_of(row, recipe):
    """Gives the cells of a row that the model reads, and nothing for an incomplete row."""
    names = [column["column"]["name"] for column in recipe["columns"]]
    cells = {header.split("(")[0]: cell.strip() for header, cell in row.items() if header}
    return [cells[name] for name in names] if all(cells[name] for name in names) else None


def features_of(cells, recipe):
    """Computes the features of a row of the shipped settings."""
    names = [column["column"]["name"] for column in recipe["columns"]]
    readings = dict(zip(names, map(float, cells), strict=True))
    statistics = [each for feature in recipe["features"] for each in feature["statistics"]]
    pressure = readings["Hydraulic_Pressure"]
    ratio = readings["Tool_Vibration"] / (readings["Spindle_Vibration"] + 1e-6)
    engineered = [pressure - statistics[0]["value"], ratio, pressure * readings["Cutting"]]
    return [*readings.values(), *engineered]
