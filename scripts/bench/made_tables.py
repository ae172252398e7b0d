"""Makes five failure tables of different kinds, each in the form that its plant would export.

The numbers are made up; the forms are those of well-known public tables and of common programs.
"""

import numpy as np


def fails(score, share, random):
    """Gives the labels of rows with these scores: the given share fails, mostly the highest."""
    noisy = score + random.normal(0, 0.5 * score.std(), len(score))
    return noisy > np.quantile(noisy, 1 - share)


def milling(path, rows, random):
    kind = random.choice(["L", "M", "H"], rows, p=[0.6, 0.3, 0.1])
    air = random.normal(300, 2, rows)
    process = air + random.normal(10, 1, rows)
    speed = random.gamma(9, 60, rows) + 1000
    torque = random.normal(40, 10, rows).clip(4)
    wear = random.integers(0, 250, rows)
    worn = {"L": 0.0, "M": -0.4, "H": -0.8}
    score = 0.002 * wear * torque / 40 + 0.04 * np.abs(torque - 40) + 0.2 * (12 - process + air)
    failed = fails(score + np.vectorize(worn.get)(kind), 0.05, random)
    names = "UDI,Product ID,Type,Air temperature [K],Process temperature [K],"
    names += "Rotational speed [rpm],Torque [Nm],Tool wear [min],Machine failure\n"
    with open(path, "w", encoding="utf-8") as out:
        out.write(names)
        for i in range(rows):
            out.write(f"{i + 1},{kind[i]}{14860 + i},{kind[i]},{air[i]:.1f},{process[i]:.1f},")
            out.write(f"{speed[i]:.0f},{torque[i]:.1f},{wear[i]},{int(failed[i])}\n")


def wafer(path, rows, random):
    columns = 300
    readings = random.normal(0, 1, (rows, columns)) * 10.0 ** random.integers(-1, 4, columns)
    readings[:, 5] = 100.0
    scaled = readings / np.maximum(readings.std(axis=0), 1e-9)
    score = scaled[:, 10] + scaled[:, 20] * scaled[:, 30] + np.abs(scaled[:, 40])
    failed = fails(score, 0.1, random)
    missing = random.random((rows, columns)) < 0.03
    with open(path, "w", encoding="utf-8") as out:
        out.write(",".join(f"S{i}" for i in range(columns)) + ",Pass/Fail\n")
        for i in range(rows):
            cells = ["" if missing[i, k] else f"{readings[i, k]:.4f}" for k in range(columns)]
            out.write(",".join(cells) + f",{1 if failed[i] else -1}\n")


def turbine(path, rows, random):
    power = random.normal(1500, 300, rows)
    oil = random.normal(60, 8, rows)
    vibration = random.gamma(4, 0.6, rows)
    is_open = random.random(rows) < 0.3
    failed = fails(0.05 * oil + 0.5 * vibration + 0.001 * power + 0.7 * is_open, 0.15, random)

    def german(number):
        return f"{number:.3f}".replace(".", ",")

    with open(path, "w", encoding="cp1252", newline="\r\n") as out:
        out.write("Windpark Süd;;;;;\n;;;;;\n")
        out.write("Nr;Leistung [kW];Öltemperatur [°C];Schwingung [mm/s];Klappe offen;Störung\n")
        for i in range(rows):
            heat = "n.a." if i % 31 == 0 else german(oil[i])
            shaking = "-" if i % 47 == 0 else german(vibration[i])
            flap, broken = ("WAHR" if is_open[i] else "FALSCH"), ("ja" if failed[i] else "nein")
            out.write(f"{i + 1};{german(power[i])};{heat};{shaking};{flap};{broken}\n")


def trucks(path, rows, random):
    counters = random.lognormal(8, 2, (rows, 12))
    histogram = random.dirichlet(np.ones(10), rows) * random.lognormal(9, 1, (rows, 1))
    log = np.log1p(counters)
    score = log[:, 0] - 0.5 * log[:, 1] + np.log1p(histogram[:, 7]) * 0.6
    failed = fails(score, 0.03, random)
    with open(path, "w", encoding="utf-8") as out:
        out.write("# Component failures of trucks.\n# Made up.\n")
        names = [f"aa_{i:03}" for i in range(12)] + [f"ag_{i:03}" for i in range(10)]
        out.write("class," + ",".join(names) + "\n")
        for i in range(rows):
            cells = [f"{x:.0f}" for x in (*counters[i], *histogram[i])]
            cells = ["na" if random.random() < 0.02 else cell for cell in cells]
            out.write(("pos," if failed[i] else "neg,") + ",".join(cells) + "\n")


def press(path, rows, random):
    operators = [f"op{i:02}" for i in range(45)]
    skill = random.normal(0, 0.8, len(operators))
    operator = random.integers(0, len(operators), rows)
    tool = random.choice(["A-1", "A-2", "B-1", "C-9"], rows, p=[0.4, 0.3, 0.2, 0.1])
    shift = random.choice(["early", "late", "night"], rows)
    closed = random.random(rows) < 0.9
    force = random.normal(250, 30, rows)
    score = skill[operator] + 0.02 * np.abs(force - 250) + 0.6 * (shift == "night")
    failed = fails(score + 1.0 * (tool == "C-9") - 0.5 * closed, 0.2, random)
    with open(path, "w", encoding="utf-8") as out:
        out.write("operator\ttool\tshift\tguard closed\tforce (kN)\tresult\n")
        for i in range(rows):
            guard, result = ("yes" if closed[i] else "no"), ("Fail" if failed[i] else "Pass")
            out.write(f"{operators[operator[i]]}\t{tool[i]}\t{shift[i]}\t{guard}\t")
            out.write(f"{force[i]:.2f}\t{result}\n")


# Each table with its name and its number of rows.
TABLES = {
    "milling": (milling, 10_000),
    "wafer": (wafer, 3_000),
    "turbine": (turbine, 10_000),
    "trucks": (trucks, 20_000),
    "press": (press, 10_000),
}
