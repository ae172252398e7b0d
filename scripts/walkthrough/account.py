"""The empty account: what moto does not know of it is answered here."""

import json
import os
import urllib.error
import urllib.request

import boto3
from workflow.server import Handler, job, play, with_output

ID, REGION = "123456789012", "us-east-1"
BUCKET = f"machine-downtime-{ID}-{REGION}"
GROUP = "machine-downtime-model-group"
STEPS = ["Preprocess", "Train", "Evaluate"]
IMAGES = ["preprocess", "train", "evaluate", "register", "serve"]
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
KEYS = {"aws_access_key_id": "id", "aws_secret_access_key": "secret", "region_name": REGION}


def client(service):
    return boto3.client(service, endpoint_url=os.environ["MOTO_ENDPOINT"], **KEYS)


class AwsHandler(Handler):
    """Answers as AWS does. What has no action is an image's file or a request to the endpoint."""

    serve = None
    invocations = 0

    def answer(self):
        if self.path.startswith("/endpoints/"):
            AwsHandler.invocations += 1
            body = self.rfile.read(int(self.headers["content-length"]))
            wanted = ("content-type", "accept")
            headers = {name: self.headers[name] for name in wanted if self.headers[name]}
            self.forward(urllib.request.Request(f"{self.serve}/invocations", body, headers))
        elif self.path == "/layer":
            self.send(200, "application/json", b'{"architecture": "amd64", "os": "linux"}')
        else:
            super().answer()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer

    def forward(self, request):
        try:
            with urllib.request.urlopen(request) as answer:
                self.send(answer.status, answer.headers["content-type"], answer.read())
        except urllib.error.HTTPError as error:
            self.send(error.code, error.headers["content-type"], error.read())

    def send(self, status, content_type, body):
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Account:
    """What happens in the account while README's commands run."""

    def __init__(self, trained):
        # The files of a run on this machine, which the execution is said to have written.
        self.trained = trained
        self.registered = self.destroyed = False

    def rehearse(self, address):
        registers = ("Register", "Succeeded", job("Processing", "Register"), None)
        gate = ("QualityGate", "Succeeded", {"Condition": {"Outcome": "True"}}, None)
        steps = [(name, "Succeeded", job("Processing", name), None) for name in STEPS]
        jobs = {
            "pipelines-x-Evaluate": with_output(BUCKET, "evaluation/x1"),
            "pipelines-x-Register": with_output(BUCKET, "registration/x1"),
        }
        play(BUCKET, "Succeeded", [*steps, gate, registers], jobs)
        played = Handler.answers["ListPipelineExecutionSteps"]
        Handler.answers |= {
            "ListPipelineExecutionSteps": lambda _: self.end(played),
            "ListInferenceComponents": {"InferenceComponents": []},
            "GetDownloadUrlForLayer": {"downloadUrl": f"{address}/layer"},
            "ListTransformJobs": {"TransformJobSummaries": []},
            # moto has no call that deletes a version.
            "DeleteModelPackage": {},
            "DeleteModelPackageGroup": {},
        }

    def push(self, tag):
        """Puts the images, as scripts/push-images does."""
        ecr = client("ecr")
        for image in IMAGES:
            config = {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 2}
            config["digest"] = "sha256:" + "0" * 64
            manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []}
            ecr.put_image(
                repositoryName=f"machine-downtime/{image}",
                imageTag=tag,
                imageManifestMediaType=MANIFEST,
                imageManifest=json.dumps({**manifest, "image": image}),
            )

    def end(self, answer):
        """Does what the jobs do, before the first time that somebody asks."""
        if not self.registered:
            self.registered = True
            s3, sagemaker = client("s3"), client("sagemaker")
            for name, key in [
                ("model.tar.gz", "model.tar.gz"),
                ("evaluation.json", "evaluation/x1/evaluation.json"),
                ("metrics.json", "evaluation/x1/metrics.json"),
            ]:
                s3.upload_file(str(self.trained / name), BUCKET, key)
            pipeline = sagemaker.describe_pipeline(PipelineName="MachineDowntimePipeline")
            [image] = images_of(pipeline["PipelineDefinition"])
            statistics = {"ContentType": "application/json"}
            statistics["S3Uri"] = f"s3://{BUCKET}/evaluation/x1/evaluation.json"
            arn = sagemaker.create_model_package(
                ModelPackageGroupName=GROUP,
                ModelApprovalStatus="PendingManualApproval",
                InferenceSpecification={
                    "Containers": [{"Image": image, "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz"}],
                    "SupportedContentTypes": ["text/csv"],
                    "SupportedResponseMIMETypes": ["application/json"],
                    "SupportedRealtimeInferenceInstanceTypes": ["ml.m5.large"],
                },
                ModelMetrics={"ModelQuality": {"Statistics": statistics}},
                CustomerMetadataProperties={"pipeline_execution": "x1"},
            )["ModelPackageArn"]
            registration = json.loads((self.trained / "registration.json").read_text())
            body = json.dumps({**registration, "arn": arn})
            s3.put_object(Bucket=BUCKET, Key="registration/x1/registration.json", Body=body)
        return answer


def images_of(definition):
    """The image that the definition's Register names for serving."""
    found = set()

    def visit(value):
        if isinstance(value, dict):
            found.update([value["INFERENCE_IMAGE"]] if "INFERENCE_IMAGE" in value else [])
            value = list(value.values())
        if isinstance(value, list):
            for one in value:
                visit(one)

    visit(json.loads(definition))
    return found
