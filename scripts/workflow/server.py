"""A server in front of moto that answers the calls which moto does not know."""

import http.client
import http.server
import json
import os
import threading
import typing
import urllib.parse

from .account import ID, REGION

# Headers that belong to one connection or that the server writes itself.
OWN_HEADERS = ("content-length", "transfer-encoding", "connection", "date", "server")


class Handler(http.server.BaseHTTPRequestHandler):
    # An action's answer, or a function from the request to it; all other actions go to moto.
    answers: typing.ClassVar = {}
    calls: typing.ClassVar = []

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        action = self.headers.get("x-amz-target", "").rpartition(".")[2]
        self.calls.append((action, body))
        if action in self.answers:
            found = self.answers[action]
            found = found(json.loads(body)) if callable(found) else found
            status, body = 200, json.dumps(found).encode()
            headers = [("content-type", "application/x-amz-json-1.1")]
        else:
            moto = urllib.parse.urlsplit(os.environ["MOTO_ENDPOINT"])
            other = http.client.HTTPConnection(moto.hostname, moto.port)
            other.request(self.command, self.path, body, dict(self.headers))
            found = other.getresponse()
            status, headers, body = found.status, found.getheaders(), found.read()
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in OWN_HEADERS:
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer

    def log_message(self, *_):
        pass


def start(handler=Handler):
    """Starts the server and gives its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def asked(action):
    """The bodies of the calls of an action, since the last run of the workflow."""
    return [json.loads(body) for found, body in Handler.calls if found == action]


def play(bucket, status, played, jobs=None):
    """Answers for an execution with these steps: name, status, metadata, reason of failure."""
    reason = "Step failure: One or multiple steps failed." if status == "Failed" else None
    execution = {
        "PipelineExecutionStatus": status,
        "CreationTime": 1790000000.0,
        "LastModifiedTime": 1790000400.0,
        "FailureReason": reason,
    }
    steps = [
        {
            "StepName": step,
            "StepStatus": status,
            "Metadata": metadata,
            "FailureReason": reason,
            "AttemptCount": 1,
            "StartTime": 1790000000.0 + place,
            "EndTime": None if status == "Executing" else 1790000090.5 + place,
        }
        for place, (step, status, metadata, reason) in enumerate(played)
    ]
    artifacts = {"S3ModelArtifacts": f"s3://{bucket}/model.tar.gz"}
    Handler.answers = {
        "DescribePipelineExecution": execution,
        "ListPipelineExecutionSteps": {"PipelineExecutionSteps": steps},
        "DescribeProcessingJob": lambda request: (jobs or {}).get(request["ProcessingJobName"], {}),
        "DescribeTrainingJob": {"ModelArtifacts": artifacts},
        "DescribeLogStreams": {"logStreams": []},
    }


def job(kind, step):
    """The metadata of a step that ran a job."""
    arn = f"arn:aws:sagemaker:{REGION}:{ID}:{kind.lower()}-job/pipelines-x-{step}"
    return {f"{kind}Job": {"Arn": arn}}


def with_output(bucket, prefix):
    """The description of a Processing job that wrote below a prefix."""
    output = {
        "S3Uri": f"s3://{bucket}/{prefix}",
        "LocalPath": "/opt/ml/processing/o",
        "S3UploadMode": "EndOfJob",
    }
    return {"ProcessingOutputConfig": {"Outputs": [{"OutputName": "o", "S3Output": output}]}}
