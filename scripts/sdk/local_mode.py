"""Local mode of the SageMaker SDK, with moto in place of AWS."""

import contextlib
import functools
import io
import logging
import os
from typing import NamedTuple
from urllib.parse import urlparse

from . import engine

REGION = "us-east-1"


class JobFailed(Exception):
    """A job failed; `printed` has what the SDK printed meanwhile."""

    def __init__(self, printed, reason):
        super().__init__(reason)
        self.printed = printed


class Request(NamedTuple):
    """A request to an endpoint."""

    content_type: str
    body: str
    accept: str | None = None
    attributes: str | None = None


class Response(NamedTuple):
    """The response of an endpoint."""

    status: int
    content_type: str
    text: str


@contextlib.contextmanager
def captured():
    """Keeps what the SDK prints, also from its threads, for the error of a job that fails."""
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            yield
    except Exception as error:
        raise JobFailed(printed.getvalue(), str(error)) from error


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
        from sagemaker.local import LocalSession, local_session

        # The SDK asks the engine where it is before each request, which takes 0.1 s. Once will do.
        local_session.get_docker_host = functools.cache(local_session.get_docker_host)
        boto = boto3.Session(region_name=REGION)
        self.s3, self.sagemaker = boto.client("s3"), boto.client("sagemaker")
        modules = {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}
        session = LocalSession(
            boto_session=boto, sagemaker_config={"SchemaVersion": "1.0", "SageMaker": modules}
        )
        jobs = workdir / "jobs"
        jobs.mkdir()
        session.config = {
            "local": {"container_root": str(jobs), "serving_port": engine.free_port()}
        }
        self.client, self.runtime = session.sagemaker_client, session.sagemaker_runtime_client
        self.endpoint, self.tag = endpoint, tag
        # The telemetry around these methods swallows SystemExit and KeyboardInterrupt.
        methods = vars(type(self.client)).items()
        for name, method in [one for one in methods if hasattr(one[1], "__wrapped__")]:
            setattr(type(self.client), name, method.__wrapped__)

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
        with captured():
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

    def create_model(self, name, image, url):
        """Names an image and the archive of the model that it is to serve."""
        container = {"Image": self.image(image), "ModelDataUrl": url, "Environment": {}}
        self.client.create_model(name, container)

    def invoke(self, model, requests):
        """Creates an endpoint of a model, gives its response to each request, and deletes it."""
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": model,
            "InstanceType": "local",
            "InitialInstanceCount": 1,
        }
        with captured():
            self.client.create_endpoint_config(model, [variant])
            self.client.create_endpoint(model, model)
            try:
                return [self.respond(model, request) for request in requests]
            finally:
                self.client.delete_endpoint(model)

    def respond(self, endpoint, request):
        given = self.runtime.invoke_endpoint(
            request.body,
            endpoint,
            ContentType=request.content_type,
            Accept=request.accept,
            CustomAttributes=request.attributes,
        )
        # The SDK gives no status, and as the content type what was asked for.
        body = given["Body"]
        return Response(body.status, body.headers.get("Content-Type"), body.read().decode())

    def transform(self, name, model, url, split, **settings):
        """Runs a batch transform of a CSV and gives the file that it writes."""
        place = urlparse(url)
        source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": url}}
        with captured():
            self.client.create_transform_job(
                name,
                model,
                {"DataSource": source, "ContentType": "text/csv", "SplitType": split},
                {"S3OutputPath": f"s3://{place.netloc}/transformed", "AssembleWith": "Line"},
                {"InstanceType": "local", "InstanceCount": 1},
                **settings,
            )
        # SageMaker puts no directory with the job's name between.
        file = place.path.rpartition("/")[2]
        return self.read(f"s3://{place.netloc}/transformed/{name}/{file}.out")
