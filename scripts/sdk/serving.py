"""Serves the trained model under the SDK and compares its answers with the orchestrator's."""

import csv
import io
import json
import re
import time

from . import engine
from .compare import members, same
from .local_mode import JobFailed, Request

CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"
ANSWER = ["predicted", "probability", "imputed", "unseen", "out_of_range"]
MODEL = "served"
# The records of the batch transform that sends each in a request of its own.
SINGLE_RECORDS = 100
# The bytes of the other ones, which do not fit into a request of 1 MB.
LONG_INPUT = 1_500_000


def as_csv(rows):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def as_readings(cells):
    """Gives cells as JSON has them."""
    return {name: reading(cell) for name, cell in cells.items()}


def reading(cell):
    try:
        return float(cell) if cell else None
    except ValueError:
        return cell


class Table:
    """The rows of a table with what the orchestrator predicts of each."""

    def __init__(self, orchestrator, archive, path, *options):
        command = [orchestrator, "predict", "--model", archive, "--input", path, *options]
        text = engine.call(command).decode()
        self.rows = list(csv.DictReader(io.StringIO(text)))
        self.header = list(self.rows[0])[: list(self.rows[0]).index(ANSWER[0])]
        self.answers = [[row[name] for name in ANSWER] for row in self.rows]
        # The table may name the unit behind a column, the model does not.
        plain = {re.split(r"[(\[]", name)[0].strip(): name for name in self.header}
        recipe = json.loads(members(archive.read_bytes())["recipe.json"])["recipe"]
        names = [one["column"]["name"] for one in recipe["columns"]]
        self.records = [{name: row[plain[name]] for name in names} for row in self.rows]


def read_answers(response):
    """Gives the answers of a response as the orchestrator writes them, and the model's versions.

    Numbers stay text, so that their digits are compared.
    """
    if response.content_type == CSV:
        lines = list(csv.reader(response.text.split("\n")))
        return [line[:-1] for line in lines], {line[-1] for line in lines}
    texts = response.text.split("\n") if response.content_type == JSON_LINES else [response.text]
    objects = [json.loads(text, parse_float=str, parse_int=str) for text in texts]
    objects = [one for each in objects for one in each.get("predictions", [each])]
    answers = [
        [one[name] if isinstance(one[name], str) else "; ".join(one[name]) for name in ANSWER]
        for one in objects
    ]
    return answers, {one["model_version"] for one in objects}


def check(sdk, container, orchestrator, path, workdir, checks):
    """Checks the answers of an endpoint and of batch transforms for the rows of a table."""
    workdir.mkdir()
    archive = workdir / "model.tar.gz"
    archive.write_bytes(sdk.read(container["ModelDataUrl"]))
    table = Table(orchestrator, archive, path)
    sdk.create_model(MODEL, container["Image"], container["ModelDataUrl"])
    try:
        version = check_endpoint(sdk, table, orchestrator, archive, workdir, checks)
        check_transforms(sdk, table, version, checks)
    except JobFailed as error:
        checks.that(f"serving: {error}", False, error.printed)


def check_endpoint(sdk, table, orchestrator, archive, workdir, checks):
    """Checks the responses of an endpoint, and gives the version of the model that they name."""
    # Above the probability of 1 there is no failure, not even the surest one.
    surest = max(table.rows, key=lambda row: float(row["probability"]))
    alone = workdir / "alone.csv"
    alone.write_text(as_csv([table.header, [surest[name] for name in table.header]]))
    explained = Table(orchestrator, archive, alone, "--threshold", "1", "--explain")
    record = as_csv([explained.records[0].values()])
    request = Request(CSV, record, JSON, "explain=true,threshold=1")
    asked = [*questions(table), ("a CSV record, answered in JSON", request, explained.answers)]

    started = time.monotonic()
    responses = sdk.invoke(MODEL, [request for _, request, _ in asked])
    checks.that(f"endpoint: it starts, answers and stops, {time.monotonic() - started:.1f} s", True)
    versions = set()
    for (what, request, expected), response in zip(asked, responses, strict=True):
        wanted = f"200 {request.accept or request.content_type}"
        found = f"{response.status} {response.content_type}"
        shown = f"  {found} {response.text}"
        if checks.that(f"endpoint: {what}: {wanted}", found == wanted, shown):
            answers, said = read_answers(response)
            versions |= said
            check_answers(f"endpoint: {what}: what is predicted", answers, expected, checks)
    checks.that("endpoint: one version of the model answers", len(versions) == 1, f"  {versions}")
    if responses[-1].status == 200:
        check_explanation(surest, explained.rows[0], responses[-1], checks)
    return next(iter(versions), "")


def questions(table):
    """Gives requests in each format: what they are, the request, and the answers to its records."""
    # Records that lack readings come first, if there are any.
    order = sorted(range(len(table.rows)), key=lambda row: not table.rows[row]["imputed"])[:10]
    answers = [table.answers[row] for row in order]
    texts = [json.dumps(as_readings(table.records[row])) for row in order]
    record = as_csv([table.records[0].values()])
    whole = as_csv([table.header, *([row[name] for name in table.header] for row in table.rows)])
    return [
        ("a CSV record", Request(CSV, record), table.answers[:1]),
        ("a JSON object", Request(JSON, texts[0]), answers[:1]),
        (f"{len(texts)} JSON lines", Request(JSON_LINES, "\n".join(texts)), answers),
        (f"{len(table.rows)} CSV records with a header", Request(CSV, whole), table.answers),
    ]


def check_answers(what, found, expected, checks):
    """Compares answers and shows the first one that differs."""
    pairs = enumerate(zip(found, expected, strict=False))
    shortest = min(len(found), len(expected))
    at = next((at for at, (one, other) in pairs if one != other), shortest)
    checks.that(
        what,
        found == expected,
        f"  answer {at + 1} of {len(found)} and {len(expected)}\n"
        f"  endpoint     {found[at : at + 1]}\n  orchestrator {expected[at : at + 1]}",
    )


def check_explanation(usual, row, response, checks):
    """Checks that custom attributes reach the server: a threshold, and an explanation."""
    changed = row["predicted"] != usual["predicted"]
    checks.that("endpoint: threshold=1 changes what is predicted", changed, f"  {usual}\n  {row}")
    objects = json.loads(response.text, parse_float=str).get("predictions", [{}])
    found = {f"shap_{name}": number for name, number in objects[0].get("contributions", {}).items()}
    found["base_value"] = objects[0].get("base_value")
    expected = {name: row[name] for name in row if name.startswith(("shap_", "base_value"))}
    checks.equal("endpoint: explain=true explains as the orchestrator does", found, expected)


def check_transforms(sdk, table, version, checks):
    """Checks batch transforms of lines without a header, in requests of different lengths."""
    lines = [as_csv([record.values()]) for record in table.records]
    answers = [as_csv([[*answer, version]]) for answer in table.answers]
    times = 1 + LONG_INPUT // len("".join(lines))
    few, many = (lines[:SINGLE_RECORDS], answers[:SINGLE_RECORDS]), (lines * times, answers * times)
    for name, (sent, expected), split, settings in [
        ("single-record", few, "Line", {"BatchStrategy": "SingleRecord"}),
        ("multi-record", many, "Line", {"BatchStrategy": "MultiRecord", "MaxPayloadInMB": 1}),
        # The server proposes how long a request may be.
        ("whole-file", many, "None", {"BatchStrategy": "SingleRecord"}),
    ]:
        url = f"s3://serving/{name}/records.csv"
        sdk.put(url, "".join(sent).encode())
        started = time.monotonic()
        written = sdk.transform(name, MODEL, url, split, **settings)
        elapsed = time.monotonic() - started
        what = f"transform, {name}, {len(sent)} records: what is predicted, {elapsed:.1f} s"
        same(checks, what, written, "".join(expected).encode())
