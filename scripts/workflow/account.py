"""What the workflow finds in its AWS account: images, a bucket, a model group, all kept by moto."""

import contextlib
import json
import os
import sys

import boto3
import yaml

ID, REGION = "123456789012", "us-east-1"
ROLE = f"arn:aws:iam::{ID}:role/Jobs"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
STEPS = ["preprocess", "train", "evaluate", "register", "serve"]
REGISTRY = f"{ID}.dkr.ecr.{REGION}.amazonaws.com"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


class Account:
    """The account, under names that nobody else of the same moto server has."""

    def __init__(self, settings):
        self.own = f"workflow-test-{os.getpid()}"
        text = settings.read_text().replace("machine-downtime", self.own)
        self.settings = text.replace("MachineDowntimePipeline\n", f"{self.own}\n", 1)
        values = yaml.safe_load(self.settings)
        self.pipeline = values["pipeline"]["name"]
        self.bucket = values["s3_paths"]["bucket"]
        self.group = values["model_registry"]["model_package_group_name"]
        services = ["s3", "ecr", "sagemaker", "iam"]
        self.s3, self.ecr, self.sagemaker, self.iam = map(client, services)

    def create(self):
        """Creates bucket, repositories and images. Gives the file that push-images would write."""
        self.s3.create_bucket(Bucket=self.bucket)
        self.s3.put_object(Bucket=self.bucket, Key="raw/machine_downtime.csv", Body=b"Date\n")
        digests = "images:\n"
        for step in STEPS:
            self.ecr.create_repository(repositoryName=f"{self.own}/{step}")
            digest = self.put_image(step)["imageId"]["imageDigest"]
            digests += f"  {step}: {REGISTRY}/{self.own}/{step}@{digest}\n"
        self.sagemaker.create_model_package_group(ModelPackageGroupName=self.group)
        self.create_role()
        return digests

    def create_role(self):
        """Creates the jobs' role, unless an earlier run has."""
        service = {"Service": "sagemaker.amazonaws.com"}
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": service}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        with contextlib.suppress(self.iam.exceptions.EntityAlreadyExistsException):
            name = ROLE.rpartition("/")[2]
            self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy)

    def put_image(self, step):
        config = {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": 2,
            "digest": "sha256:" + "0" * 64,
        }
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []}
        return self.ecr.put_image(
            repositoryName=f"{self.own}/{step}",
            imageTag=COMMIT[:12],
            imageManifestMediaType=MANIFEST,
            # Each step has a digest of its own.
            imageManifest=json.dumps({**manifest, "step": step}),
        )["image"]

    def put(self, key, document):
        body = json.dumps({"format_version": 1, **document})
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def has(self, key):
        """Tells whether the bucket has an object."""
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=key)
        return [one["Key"] for one in found.get("Contents", [])] == [key]

    def put_evaluation(self, prefix, recall):
        """Puts what Evaluate writes below a prefix."""
        metrics = {"accuracy": 0.9874, "f1_score": 0.9871, "recall": recall, "true_positives": 244}
        named = [("accuracy", "accuracy"), ("f1", "f1_score"), ("recall", "recall")]
        report = {
            "binary_classification_metrics": {
                key: {"value": metrics[name], "standard_deviation": "NaN"} for key, name in named
            },
            "gates": [
                {"metric": "accuracy", "minimum": 0.8, "value": 0.9874, "met": True},
                {"metric": "recall", "minimum": 0.85, "value": recall, "met": recall >= 0.85},
            ],
        }
        self.put(f"{prefix}/metrics.json", metrics)
        self.put(f"{prefix}/evaluation.json", report)

    def put_registration(self, prefix, version):
        """Puts what Register writes below a prefix."""
        registration = {
            "arn": version,
            "group": self.group,
            "version": 1,
            "status": "Completed",
            "approval_status": "PendingManualApproval",
            "inference_image": "serve:1",
            "model_data_url": "s3://b/model.tar.gz",
            "content_types": [],
            "response_types": [],
            "realtime_instance_types": [],
            "transform_instance_types": [],
            "metrics_url": f"s3://{self.bucket}/evaluation/x1/evaluation.json",
            "metadata": {},
        }
        self.put(f"{prefix}/registration.json", registration)

    def register(self, report, status):
        """Creates a version of the group, as Register does, and gives its ARN."""
        container = {
            "Image": f"{REGISTRY}/{self.own}/serve:{COMMIT[:12]}",
            "ModelDataUrl": f"s3://{self.bucket}/model.tar.gz",
        }
        statistics = {
            "ContentType": "application/json",
            "S3Uri": f"s3://{self.bucket}/{report}/evaluation.json",
        }
        return self.sagemaker.create_model_package(
            ModelPackageGroupName=self.group,
            ModelApprovalStatus=status,
            InferenceSpecification={
                "Containers": [container],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
            ModelMetrics={"ModelQuality": {"Statistics": statistics}},
        )["ModelPackageArn"]

    def arn(self, number):
        """The ARN of a version of the group."""
        return f"arn:aws:sagemaker:{REGION}:{ID}:model-package/{self.group}/{number}"

    def remove(self):
        """Removes what was created. moto has no call that deletes a model package."""
        attempt(self.sagemaker.delete_endpoint, EndpointName=self.group)
        for found in attempt(self.sagemaker.list_endpoint_configs).get("EndpointConfigs", []):
            if found["EndpointConfigName"].startswith(self.own):
                name = found["EndpointConfigName"]
                attempt(self.sagemaker.delete_endpoint_config, EndpointConfigName=name)
        for found in attempt(self.sagemaker.list_models).get("Models", []):
            if found["ModelName"].startswith(self.own):
                attempt(self.sagemaker.delete_model, ModelName=found["ModelName"])
        for found in attempt(self.s3.list_objects_v2, Bucket=self.bucket).get("Contents", []):
            attempt(self.s3.delete_object, Bucket=self.bucket, Key=found["Key"])
        attempt(self.s3.delete_bucket, Bucket=self.bucket)
        for step in STEPS:
            attempt(self.ecr.delete_repository, repositoryName=f"{self.own}/{step}", force=True)
        token = self.own.rjust(32, "-")
        delete = self.sagemaker.delete_pipeline
        attempt(delete, PipelineName=self.pipeline, ClientRequestToken=token)


def attempt(call, **arguments):
    try:
        return call(**arguments)
    except Exception as error:
        print(f"        left: {error}", file=sys.stderr)
        return {}


def client(service):
    keys = {"aws_access_key_id": "id", "aws_secret_access_key": "secret"}
    endpoint = os.environ["MOTO_ENDPOINT"]
    return boto3.client(service, region_name=REGION, endpoint_url=endpoint, **keys)
