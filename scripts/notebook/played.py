"""Plays, on SageMaker, an execution that wrote what one on this machine has written."""

import json
from pathlib import Path
from urllib.parse import urlparse

from workflow import server
from workflow.account import COMMIT, ID, REGION, ROLE

JOBS = {"Preprocess": "summary", "Evaluate": "evaluation", "Register": "registration"}


def variables():
    """Starts the server in front of moto. Gives what the settings and AWS's own tools read."""
    return {
        "AWS_ENDPOINT_URL": server.start(),
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ACCOUNT_ID": ID,
        "AWS_REGION": REGION,
        "SAGEMAKER_ROLE_ARN": ROLE,
        "IMAGE_TAG": COMMIT[:12],
    }


def play(account, execution, runs):
    """Registers the model, stores what the steps have written, and answers for the execution."""
    outputs = {step["name"]: step["outputs"] for step in execution["steps"]}
    package = execution["model_package"]
    stored = Path(runs) / "s3" / urlparse(package["model_data_url"]).netloc

    def put(key, file):
        account.s3.put_object(Bucket=account.bucket, Key=key, Body=file.read_bytes())

    jobs, steps = {}, []
    for step in execution["steps"]:
        metadata = {}
        if step["name"] in JOBS:
            uri = outputs[step["name"]][JOBS[step["name"]]]
            prefix = urlparse(uri).path[1:]
            for file in (stored / prefix).iterdir():
                put(f"{prefix}/{file.name}", file)
            metadata = server.job("Processing", step["name"])
            jobs[f"pipelines-x-{step['name']}"] = server.with_output(account.bucket, prefix)
        elif step["type"] == "Training":
            metadata = server.job("Training", step["name"])
        elif step["type"] == "Condition":
            metadata = {"Condition": {"Outcome": "True"}}
        steps.append((step["name"], "Succeeded", metadata, None))
    # The version of the account, in place of the one here.
    put("model.tar.gz", stored / urlparse(package["model_data_url"]).path[1:])
    report = urlparse(package["metrics_url"]).path[1:].rpartition("/")[0]
    version = account.register(report, "PendingManualApproval")
    account.put_registration(urlparse(outputs["Register"]["registration"]).path[1:], version)
    server.play(account.bucket, "Succeeded", steps, jobs)
    answer_doctor(account)


def answer_doctor(account):
    """Answers what doctor asks and moto does not know: quotas, and the processor of the images."""
    image = json.dumps({"architecture": "amd64", "os": "linux"})
    place = {"Bucket": account.bucket, "Key": "image.json"}
    account.s3.put_object(**place, Body=image)
    address = account.s3.generate_presigned_url("get_object", Params=place)
    quotas = [
        {"QuotaName": f"ml.m5.large for {kind} job usage", "QuotaCode": f"L-{kind}", "Value": 4.0}
        for kind in ("processing", "training")
    ]
    server.Handler.answers |= {
        "ListServiceQuotas": {"Quotas": quotas},
        "GetDownloadUrlForLayer": {"downloadUrl": address},
    }
