"""A directory of local runs, what its runs must give, and what was damaged in it."""

import hashlib
import json
import os
import signal
import subprocess
from pathlib import Path

OUTSIDE = "a file of somebody's\n"


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


class World:
    """Runs variants of the pipeline, a table and a depth each, in one directory."""

    def __init__(self, place, orchestrator, config, tables):
        self.place, self.runs = Path(place), Path(place) / "runs"
        self.orchestrator, self.config = orchestrator, config
        self.variants = [(table, depth) for table in tables for depth in (4, 7)]
        # For each variant the digests of its model and of its report, and for each training table
        # and depth that of the model: what a registered version says of itself must be so.
        self.expected, self.models = {}, {}
        # Files that a disturbance has damaged. A version that refers to one is not looked at.
        self.damaged = set()
        # A file that is not the runs': links lead to it, and nobody may write it.
        self.outside = self.place / "outside.csv"
        self.outside.write_text(OUTSIDE)

    def start(self, variant, runs=None, cached=True):
        table, depth = variant
        command = [self.orchestrator, "run", "--config", self.config, "--json", "--input", table]
        command += ["-p", f"MaxDepth={depth}", "--runs", runs or self.runs]
        command += [] if cached else ["--no-cache"]
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            cwd=self.place,
        )

    def learn(self, runs):
        """Runs each variant undisturbed, in a directory of its own."""
        for variant in self.variants:
            result = self.finished(self.start(variant, runs), runs)
            if isinstance(result, str):
                raise SystemExit(f"error: an undisturbed run failed: {result}")
            self.expected[variant] = result["digests"]
            self.models[result["key"]] = result["digests"][0]

    def finished(self, process, runs=None):
        """Waits for a run. Gives what it has registered, or why it has not."""
        try:
            out, err = process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return "it was not over after 120 s"
        if process.returncode != 0:
            return f"exit {process.returncode}: {err.decode(errors='replace').strip()}"
        package = json.loads(out)["model_package"]
        urls = (package["model_data_url"], package["metrics_url"])
        digests = tuple(digest(self.path(url, runs)) for url in urls)
        return {"digests": digests, "key": key(package), "version": package["version"]}

    def path(self, url, runs=None):
        return (runs or self.runs) / "s3" / url.removeprefix("s3://")

    def wrong(self, variant, process):
        """Gives what is wrong with a run that must succeed, or nothing."""
        result = self.finished(process)
        if isinstance(result, str):
            return result
        same = result["digests"] == self.expected[variant]
        return None if same else f"version {result['version']} is another model: {result}"

    def faults(self):
        """Lists what is wrong with the registered versions that nobody has damaged, and outside."""
        written = self.outside.read_text() != OUTSIDE
        faults = ["a file outside the runs directory was written"] if written else []
        return faults + self.wrong_versions()

    def wrong_versions(self):
        registry = self.runs / "registry"
        if not registry.is_dir() or not any(registry.iterdir()):
            return []
        command = [self.orchestrator, "models", "list", "--local", "--json", "--most", "100000"]
        command += ["--config", self.config, "--runs", self.runs]
        listed = subprocess.run(command, capture_output=True, timeout=120, cwd=self.place)
        if listed.returncode != 0:
            return [f"models list: {listed.stderr.decode(errors='replace').strip()}"]
        faults, versions = [], json.loads(listed.stdout)["versions"]
        for package in versions:
            number = package["version"]
            files = [self.path(package["model_data_url"])]
            files.append(registry / package["group"] / str(number) / "model_package.json")
            if self.damaged.intersection(files):
                continue
            if not files[0].is_file():
                faults.append(f"version {number} refers to a model that is not there")
            elif digest(files[0]) != self.models.get(key(package)):
                faults.append(f"version {number} is not the model that it says it is")
        numbers = [package["version"] for package in versions]
        if numbers != sorted(set(numbers), reverse=True):
            faults.append(f"numbers of versions: {numbers}")
        return faults


def key(package):
    metadata = package["metadata"]
    return metadata["data_digest"], metadata["hyperparameters.max_depth"]
