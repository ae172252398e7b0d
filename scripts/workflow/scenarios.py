"""The runs of pipeline.yml that are rehearsed, in an order: each builds on those before it."""

import re
import shlex
import urllib.parse

from . import releases, telling
from .account import COMMIT, ID, REGION, ROLE
from .server import Handler, asked, job, play, with_output

GOOD = [
    ("Preprocess", "Succeeded", job("Processing", "Preprocess"), None),
    ("Train", "Succeeded", job("Training", "Train"), None),
    ("Evaluate", "Succeeded", job("Processing", "Evaluate"), None),
]
GATE_MET = ("QualityGate", "Succeeded", {"Condition": {"Outcome": "True"}}, None)
GATE_MISSED = ("QualityGate", "Succeeded", {"Condition": {"Outcome": "False"}}, None)


def run_all(runner, account, checks):
    digests = account.create()
    without_a_role(runner, checks)
    version, summary = success(runner, account, checks, digests)
    telling.on_the_pull_request(runner, checks, summary)
    summary = missed_gate(runner, account, checks, version)
    telling.in_an_issue(runner, checks, summary)
    failed_job(runner, account, checks, digests)
    long_execution(runner, account, checks, digests)
    wrong_parameters(runner, checks, digests)
    releases.run_all(runner, account, checks)


def without_a_role(runner, checks):
    print("without a role")
    for called, each in runner.jobs.items():
        # `images` pushes nothing without a role, and `comment` needs the summary of `run`.
        if called not in ("images", "comment"):
            checks.contains(f"{called} is left out", each["if"], "_ROLE_ARN != ''")
    # The role that deploys trusts the jobs of this environment alone.
    checks.equal("the environment", runner.jobs["run"].get("environment"), "pipeline")


def success(runner, account, checks, digests):
    print("a success after a push; nothing was approved before")
    account.put_evaluation("evaluation/x1", 0.9802)
    version = account.register("evaluation/x1", "PendingManualApproval")
    account.put_registration("registration/x1", version)
    registers = ("Register", "Succeeded", job("Processing", "Register"), None)
    jobs = {
        "pipelines-x-Evaluate": with_output(account.bucket, "evaluation/x1"),
        "pipelines-x-Register": with_output(account.bucket, "registration/x1"),
    }
    play(account.bucket, "Succeeded", [*GOOD, GATE_MET, registers], jobs)
    code, found, summary = runner.run_pipeline(digests)
    checks.equal("exit code", code, 0)
    execution = found["execution-arn"]
    prefix = f"arn:aws:sagemaker:{REGION}:{ID}:pipeline/{account.pipeline}/execution/"
    checks.equal("the execution is an output", re.sub("[^/]*$", "", execution), prefix)
    checks.equal("the model package is an output", found["model-package-arn"], version)
    [created] = asked("CreatePipeline")
    checks.equal("the jobs' role", created["RoleArn"], ROLE)
    [settings] = re.findall(r"s3://[^/]+/(\S+/table\.json)", created["PipelineDefinition"])
    checks.that("the settings of the table are there", account.has(settings))
    images = re.findall(r"\S+@\S+", digests)[:4]
    checks.contains("the images by digest", created["PipelineDefinition"], *images)
    looked_up = {key for one in asked("DescribeImages") for key in one["imageIds"][0]}
    checks.equal("images are looked up by digest", looked_up, {"imageDigest"})
    started = asked("StartPipelineExecution")[0]
    given = sorted(one["Name"] for one in started["PipelineParameters"])
    expected = ["InputDataVersion", "SourceCommit", "StartedBy"]
    checks.equal("the version of the input, and where the execution is from", given, expected)
    console = "(https://console.aws.amazon.com/go/view?arn="
    checks.contains(
        "the summary",
        summary,
        "## Pipeline: Succeeded in 6 min 40 s\n",
        f"`{account.pipeline}` created",
        "| Step | Status | Time |\n|---|---|---:|\n| Preprocess | Succeeded | 1 min 30 s |\n",
        "| Metric | Value | Gate |\n| --- | ---: | --- |\n| accuracy | 0.9874 | >= 0.8000 met |\n",
        "| f1_score | 0.9871 |  |\n",
        "Not compared: `",
        f"model package with status Approved in group {account.group} (versions there: 1)",
        f"{console}{urllib.parse.quote(execution, safe='')})",
        f"[{account.group}, version 1]{console}",
        "): PendingManualApproval\n",
        "`orchestrator models approve 1 --reason '...'`",
    )
    checks.equal("a count is no metric", "true_positives" in summary, False)
    return version, found["summary"]


def missed_gate(runner, account, checks, version):
    print("a missed gate, by hand: the commit's images, parameters, an approved version")
    account.sagemaker.update_model_package(ModelPackageArn=version, ModelApprovalStatus="Approved")
    account.put_evaluation("evaluation/x2", 0.7)
    missed = "Quality gate not met: recall 0.7 < 0.85"
    fail = ("QualityGateFailed", "Failed", {"Fail": {"ErrorMessage": missed}}, None)
    jobs = {"pipelines-x-Evaluate": with_output(account.bucket, "evaluation/x2")}
    play(account.bucket, "Failed", [*GOOD, GATE_MISSED, fail], jobs)
    key = "$(touch pwned)/`touch pwned`/\"a\" 'b' | c; touch pwned #"
    account.s3.put_object(Bucket=account.bucket, Key=key, Body=b"Date\n")
    hostile = f"s3://{account.bucket}/{key}"
    parameters = f"MaxDepth=12\r\n\nInputDataUrl={hostile}\n"
    code, found, summary = runner.run_pipeline(parameters=parameters, domain="d-abc")
    checks.equal("exit code", code, 4)
    tags = {request["imageIds"][0]["imageTag"] for request in asked("DescribeImages")}
    checks.equal("the images of the commit's tag", tags, {COMMIT[:12]})
    changes = asked("CreatePipeline") + asked("UpdatePipeline")
    checks.equal("nothing is deployed again", changes, [])
    given = [
        {"Name": "MaxDepth", "Value": "12"},
        {"Name": "InputDataUrl", "Value": hostile},
    ]
    started = asked("StartPipelineExecution")[0]
    checks.equal("the parameters are unchanged", started["PipelineParameters"][:2], given)
    checks.equal("no model package", found["model-package-arn"], "")
    studio = f"https://studio-d-abc.studio.{REGION}.sagemaker.aws/pipelines/view"
    execution = found["execution-arn"].rpartition("/")[2]
    checks.contains(
        "the summary",
        summary,
        "## Pipeline: Failed after 6 min 40 s, a quality gate was not met\n",
        f"`{account.pipeline}` unchanged\n",
        f"Parameters: `MaxDepth=12`, `` InputDataUrl={hostile} ``\n",
        "| Metric | Value | Gate | Approved version 1 | Difference |\n",
        "| recall | 0.7000 | >= 0.8500 **NOT MET** | 0.9802 | -0.2802 |\n",
        "| accuracy | 0.9874 | >= 0.8000 met | 0.9874 | +0.0000 |\n",
        f"```text\nQualityGateFailed: {missed}\n```\n",
        f"({studio}/{account.pipeline}/executions/{execution}/graph)",
    )
    checks.equal("no advice to try again", "retry" in summary, False)
    return found["summary"]


def failed_job(runner, account, checks, digests):
    print("a failed job")
    failure = "AlgorithmError: See job logs"
    played = [("Preprocess", "Failed", job("Processing", "Preprocess"), failure)]
    reason = {
        "FailureReason": "AlgorithmError: , exit code: 3",
        "ExitMessage": "no column Torque\n```\n@everyone",
    }
    play(account.bucket, "Failed", played, {"pipelines-x-Preprocess": reason})
    code, _, summary = runner.run_pipeline(digests)
    checks.equal("exit code", code, 3)
    checks.contains(
        "the summary",
        summary,
        "## Pipeline: Failed after 6 min 40 s, bad input data\n",
        "| Preprocess | Failed | 1 min 30 s |\n",
        "````text\nPreprocess: no column Torque\n```\n"
        "@everyone (AlgorithmError: , exit code: 3)\n````\n",
        "`orchestrator logs Preprocess --execution ",
        "`orchestrator retry ",
    )


def long_execution(runner, account, checks, digests):
    print("an execution that takes longer than the workflow watches it")
    play(account.bucket, "Executing", [("Train", "Executing", {}, None)])
    step = next(step for step in runner.jobs["run"]["steps"] if step.get("id") == "run")
    watched = shlex.split(step["run"])[-2:]
    checks.equal("how long it is watched", watched, ["--timeout", "55"])
    step["run"] = step["run"].replace("--timeout 55", "--timeout 0.01")
    code, found, summary = runner.run_pipeline(digests)
    checks.equal("exit code", code, 1)
    checks.equal("the execution is known", found["execution-arn"] != "", True)
    checks.contains(
        "the summary",
        summary,
        "## Pipeline: still Executing after ",
        ", no longer watched\n",
        "is not over within --timeout",
        f"[{found['execution-arn'].rpartition('/')[2]}]",
    )


def wrong_parameters(runner, checks, digests):
    print("wrong parameters")
    # Without an execution no answer is needed.
    Handler.answers = {}
    for line, words in [
        ("X=$(touch pwned)", "X"),
        ("$(touch pwned)", "-p $(touch pwned): expected NAME=VALUE"),
        ("--adopt", "-p --adopt: expected NAME=VALUE"),
        ("-p=1", "-p"),
        ("MaxDepth=deep", "MaxDepth"),
    ]:
        code, found, summary = runner.run_pipeline(digests, line)
        checks.equal(f"{line}: exit code", code, 2)
        checks.equal(f"{line}: nothing is started", asked("StartPipelineExecution"), [])
        checks.equal(f"{line}: no execution", found["execution-arn"], "")
        checks.contains(
            f"{line}: the summary",
            summary,
            "## Pipeline: no execution, wrong parameters or settings\n",
            f"Parameters: `{line}`\n",
            "```text\nerror: ",
            words,
        )
