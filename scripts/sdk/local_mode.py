"""Local mode of the SageMaker SDK, with moto in place of AWS."""

import contextlib
import io
import logging
import os
from urllib.parse import urlparse

REGION = "us-east-1"


class JobFailed(Exception):
    """A job failed; `printed` has what the SDK printed meanwhile."""

    def __init__(self, printed, reason):
        super().__init__(reason)
        self.printed = printed


class Sdk:
    """A session of local mode and clients of moto."""

    def __init__(self, workdir, host, endpoint, tag):
        # The caller's account must not be used, and no call may reach AWS.
        for name in [name for name in os.environ if name.startswith(("AWS_", "SAGEMAKER_"))]:
            del os.environ[name]
        os.environ |= {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": endpoint,
            "NO_PROXY": host,
            "no_proxy": host,
            "SAGEMAKER_SUPPRESS_V2_WARNING": "1",
        }
        # The SDK warns about every configuration file that it does not find.
        logging.disable(logging.WARNING)
        import boto3
        from sagemaker.local import LocalSession

        boto = boto3.Session(region_name=REGION)
        self.s3, self.sagemaker = boto.client("s3"), boto.client("sagemaker")
        modules = {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}
        session = LocalSession(
            boto_session=boto, sagemaker_config={"SchemaVersion": "1.0", "SageMaker": modules}
        )
        jobs = workdir / "jobs"
        jobs.mkdir()
        session.config = {"local": {"container_root": str(jobs)}}
        self.client, self.endpoint, self.tag = session.sagemaker_client, endpoint, tag

    def put(self, url, data):
        place = urlparse(url)
        self.s3.create_bucket(Bucket=place.netloc)
        self.s3.put_object(Bucket=place.netloc, Key=place.path[1:], Body=data)

    def read(self, url):
        place = urlparse(url)
        return self.s3.get_object(Bucket=place.netloc, Key=place.path[1:])["Body"].read()

    def objects(self, bucket):
        """Gives every object of a bucket by key."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        keys = [one["Key"] for page in pages for one in page.get("Contents", [])]
        return {key: self.read(f"s3://{bucket}/{key}") for key in keys}

    def image(self, uri):
        """Gives the local image of the step whose image a definition names in ECR."""
        return f"machine-downtime/{uri.rpartition('/')[2].partition(':')[0]}:{self.tag}"

    def job(self, name, kind, arguments):
        """Runs a job to its end and gives the SDK's description of it."""
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                if kind == "Training":
                    algorithm = arguments["AlgorithmSpecification"]
                    algorithm["TrainingImage"] = self.image(algorithm["TrainingImage"])
                    self.client.create_training_job(name, **arguments)
                    return self.client.describe_training_job(name)
                application = arguments["AppSpecification"]
                application["ImageUri"] = self.image(application["ImageUri"])
                # Local mode passes region and endpoint to training jobs only.
                variables = {"AWS_REGION": REGION, "AWS_ENDPOINT_URL": self.endpoint}
                arguments["Environment"] = arguments.get("Environment", {}) | variables
                self.client.create_processing_job(name, **arguments)
                return self.client.describe_processing_job(name)
        except Exception as error:
            raise JobFailed(printed.getvalue(), str(error)) from error
