"""Runs the jobs of pipeline.yml and endpoint.yml as GitHub's runner does."""

import json
import os
import re
import subprocess
import sys

import yaml
from testing.parts import ROOT

from . import server
from .account import COMMIT, ID, REGION, ROLE

GH = """
import json, os, sys
sent = sys.stdin.read() if "--input" in sys.argv else None
with open(os.environ["GH_RECORD"], "a") as file:
    record = [sys.argv[1:], sent and json.loads(sent), os.environ.get("GH_TOKEN")]
    file.write(json.dumps(record) + "\\n")
answers = json.load(open(os.environ["GH_ANSWERS"]))
if sys.argv[2] not in answers:
    sys.exit("HTTP 404: Not Found")
print(json.dumps(answers[sys.argv[2]]))
"""


class Runner:
    """A directory laid out like a checkout, and the environment of GitHub's runner."""

    def __init__(self, work, orchestrator, account, checks):
        self.work, self.checks = work, checks
        self.jobs = {}
        for name in ["pipeline", "endpoint"]:
            text = (ROOT / f".github/workflows/{name}.yml").read_text()
            # Both call the workflow that compiles.
            self.jobs |= yaml.safe_load(text)["jobs"]
        for directory in ["bin", "runner", "config"]:
            (work / directory).mkdir()
        (work / "scripts").symlink_to(ROOT / "scripts")
        (work / "runner/orchestrator").symlink_to(orchestrator)
        (work / "config/pipeline_config.yaml").write_text(account.settings)
        (work / "bin/gh").write_text(f"#!{sys.executable}\n{GH}")
        (work / "bin/gh").chmod(0o755)
        self.environment = {
            "PATH": f"{work}/bin:{os.environ['PATH']}",
            "HOME": str(work),
            "RUNNER_TEMP": str(work / "runner"),
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_REPOSITORY": "plant/downtime",
            "GITHUB_RUN_ID": "77",
            "GITHUB_SHA": COMMIT,
            "GH_RECORD": str(work / "gh.jsonl"),
            "GH_ANSWERS": str(work / "gh.json"),
            # What the action that signs in to AWS leaves there.
            "AWS_ENDPOINT_URL": server.start(),
            "AWS_ACCESS_KEY_ID": "id",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": str(work / "none"),
            "AWS_SHARED_CREDENTIALS_FILE": str(work / "none"),
        }

    def run_job(self, called, values):
        """Runs a job's shell lines. Gives the exit code of each line, the outputs, the summary."""
        values = {
            "runner.temp": self.environment["RUNNER_TEMP"],
            "github.token": "token",
            "vars.AWS_ACCOUNT_ID": ID,
            "vars.SAGEMAKER_ROLE_ARN": ROLE,
            "vars.SAGEMAKER_STUDIO_DOMAIN": "",
            **values,
        }
        codes, summary, output = {}, self.work / "summary", self.work / "output"
        summary.write_text("")
        files = {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary)}
        for step in self.jobs[called]["steps"]:
            # After a failure, steps with a condition still run.
            if "run" not in step or (any(codes.values()) and "if" not in step):
                continue
            line = step["run"]
            name = line.split()[0]
            self.checks.equal(f"{called}: no expression in {name}", "${{" in line, False)
            given = {key: filled(value, values) for key, value in step.get("env", {}).items()}
            output.write_text("")
            codes[name] = self.run_line(line, self.environment | given | files)
            for key, value in outputs(output.read_text()).items():
                values[f"steps.{step['id']}.outputs.{key}"] = value
        declared = self.jobs[called].get("outputs", {})
        names = {name for text in declared.values() for name in expressions(text)}
        values = dict.fromkeys(names, "") | values
        found = {key: filled(value, values) for key, value in declared.items()}
        return codes, found, summary.read_text()

    def run_line(self, line, environment):
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", line],
            cwd=self.work,
            env=environment,
            capture_output=True,
            text=True,
        )
        print(f"        {line.strip()}: exit code {done.returncode}")
        if done.returncode != 0:
            print(re.sub("(?m)^", "        | ", done.stderr.rstrip()))
        return done.returncode

    def run_pipeline(self, digests="", parameters="", domain=""):
        """Runs the job `run`. Gives its exit code, its outputs, its summary."""
        values = {
            "needs.images.outputs.digests": digests,
            "inputs.parameters": parameters,
            "vars.SAGEMAKER_STUDIO_DOMAIN": domain,
        }
        server.Handler.calls.clear()
        codes, found, summary = self.run_job("run", values)
        code, equal = codes["scripts/ci/run-pipeline"], self.checks.equal
        equal("no shell has read a parameter", (self.work / "pwned").exists(), False)
        equal("the summary is an output, too", found["summary"], summary.rstrip("\n"))
        equal("summarizing works", codes["scripts/ci/summarize-pipeline"], 0)
        result = json.loads((self.work / "runner/result.json").read_text())
        equal("the exit code is in the result", result["exit_code"], code)
        return code, found, summary

    def tell(self, called, summary, answers):
        """Runs a job that calls `gh`. Gives each call as path and what was sent."""
        (self.work / "gh.json").write_text(json.dumps(answers))
        (self.work / "gh.jsonl").write_text("")
        codes, _, _ = self.run_job(called, {"needs.run.outputs.summary": summary})
        self.checks.equal(f"{called} works", list(codes.values()), [0])
        asked = []
        for line in (self.work / "gh.jsonl").read_text().splitlines():
            words, sent, token = json.loads(line)
            write = ["--method", "POST", "--input", "-"] if sent else []
            self.checks.equal("gh has its token", token, "token")
            self.checks.equal("the arguments of gh", words, ["api", words[1], *write])
            asked.append((words[1], sent))
        return asked


def expressions(text):
    return re.findall(r"\$\{\{\s*(.+?)\s*\}\}", str(text))


def filled(text, values):
    """Replaces expressions as GitHub does; an unknown one is a fault of this test."""
    return re.sub(r"\$\{\{\s*(.+?)\s*\}\}", lambda found: values[found[1]], str(text))


def outputs(text):
    """Reads outputs as GitHub does: NAME=VALUE, or NAME<<END and lines up to END."""
    found, lines = {}, iter(text.splitlines())
    for line in lines:
        if "<<" in line.partition("=")[0]:
            key, end = line.split("<<")
            value = []
            for inner in lines:
                if inner == end:
                    break
                value.append(inner)
            found[key] = "\n".join(value)
        else:
            key, _, found[key] = line.partition("=")
    return found
