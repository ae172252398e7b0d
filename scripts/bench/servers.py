"""Functions of the server's benchmark: the servers, and the load on them."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from shared import HERE, call

HOST = "127.0.0.1"
PING = b"GET /ping HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"
# The pause between two questions whether a server is ready, and the time until it must be.
PAUSE, PATIENCE = 0.0005, 120
# How often the start is timed.
STARTS = 11
EXPLAIN = ["-H", "X-Amzn-SageMaker-Custom-Attributes: explain=true"]
# The sum of rounding errors of a forest's probability.
MOST_DIFFERENCE = 1e-5


def free_port():
    with socket.socket() as some:
        some.bind((HOST, 0))
        return some.getsockname()[1]


def is_ready(port):
    try:
        with socket.create_connection((HOST, port)) as connection:
            connection.sendall(PING)
            return connection.recv(64).startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False


class Server:
    """A running server; it knows the seconds from its start to the first 200 of /ping."""

    def __init__(self, name, command, environment, log, port):
        self.name, self.port = name, port
        words, environment = [str(word) for word in command], os.environ | environment
        with open(log, "wb") as said:
            started = time.perf_counter()
            self.process = subprocess.Popen(words, env=environment, stdout=said, stderr=said)
        while not is_ready(port):
            if self.process.poll() is not None or time.perf_counter() - started > PATIENCE:
                self.stop()
                sys.exit(f"{Path(log).read_text()}error: {name} is not ready")
            time.sleep(PAUSE)
        self.start_seconds = time.perf_counter() - started

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def memory(self):
        """Gives the megabytes that the process has, and the most that it ever had."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        fields = dict(line.split(":", 1) for line in lines)
        return [int(fields[name].split()[0]) * 1024 / 1e6 for name in ("VmRSS", "VmHWM")]

    def cpu_seconds(self):
        """Gives the time that the process and its children have spent on cores."""
        pid, ticks = self.process.pid, 0
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for each in [pid, *children]:
            # The name of the program, in parentheses, may have blanks.
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def post(self, body, **more):
        """Gives the seconds until a body is answered, and the lines of the answer."""
        connection = http.client.HTTPConnection(HOST, self.port)
        started = time.perf_counter()
        connection.request("POST", "/invocations", body, {"Content-Type": "text/csv"} | more)
        answer = connection.getresponse()
        text = answer.read()
        seconds = time.perf_counter() - started
        connection.close()
        if answer.status != 200:
            sys.exit(f"error: {self.name} answers a long body with {answer.status}: {text[:200]}")
        return seconds, text.decode().splitlines()


def ours(programs, base, log, **more):
    """Starts ours with the model in the directory `base`/model, and with more variables."""
    port = free_port()
    environment = {"SAGEMAKER_BASE_DIR": str(base), "SERVE_ADDRESS": HOST}
    environment["SAGEMAKER_BIND_TO_PORT"] = str(port)
    return Server("ours", [programs / "serve", "serve"], environment | more, log, port)


def starts(programs, base, made):
    """Gives the milliseconds from the start of ours to the first 200, some times."""
    found = []
    for _ in range(STARTS):
        with ours(programs, base, made / "ours.log") as server:
            found.append(1e3 * server.start_seconds)
    return found


def peer(kind, python, directory, workers, worker_class, log):
    """Starts Flask and gunicorn with a kind of model, which is in the directory."""
    port = free_port()
    command = [python, "-m", "gunicorn", "serve:app", "--chdir", HERE / "peer"]
    command += ["--bind", f"{HOST}:{port}", "--workers", workers]
    command += ["--worker-class", worker_class, "--log-level", "warning"]
    environment = {"PEER_KIND": kind, "PEER_DIR": str(directory), "OMP_NUM_THREADS": "1"}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    return Server(kind, command, environment, log, port)


class Load:
    """The load generator, which sends records of a file in random order."""

    def __init__(self, program, records, seconds):
        self.program, self.records, self.seconds = program, records, seconds

    def __call__(self, server, connections, *, path="/invocations", rate=None, more=(), seconds=0):
        """Gives oha's report; an answer that is not a 200 ends the program."""
        command = [self.program, "--no-tui", "--output-format", "json", "--disable-compression"]
        command += ["-c", connections, "-z", f"{seconds or self.seconds}s", "-w", *more]
        if rate:
            command += ["-q", f"{rate:.0f}"]
        if path == "/invocations":
            command += ["-m", "POST", "-T", "text/csv", "-Z", self.records]
        report = json.loads(call([*command, f"http://{HOST}:{server.port}{path}"]))
        answers, errors = report["statusCodeDistribution"], report["errorDistribution"]
        if set(answers) != {"200"} or errors:
            sys.exit(f"error: {server.name} answers with {answers} and has errors: {errors}")
        return report

    def peak(self, server, connections):
        """Gives the requests a second, and the microseconds of a core that one takes there."""
        before = server.cpu_seconds()
        report = self(server, connections)
        spent = 1e6 * (server.cpu_seconds() - before)
        return report["summary"]["requestsPerSec"], spent / report["statusCodeDistribution"]["200"]

    def paced(self, server, connections, rate):
        """Gives the p99 in milliseconds, and which share of the rate was sent."""
        report = self(server, connections, rate=rate)
        sent = report["summary"]["requestsPerSec"] / rate
        return {"p99": 1e3 * report["latencyPercentiles"]["p99"], "sent": sent}

    def one_client(self, server, **options):
        """Gives the p50 of the time of an answer in microseconds."""
        return 1e6 * self(server, 1, **options)["latencyPercentiles"]["p50"]


def load_generator(given):
    found = shutil.which(given)
    if not found:
        sys.exit(f"error: there is no {given}; install it with `cargo install oha --locked`")
    return found


def same_answers(servers, body, rows):
    """Ends the program unless all answer each row, and onnxruntime as ours does."""
    answers = {server.name: server.post(body)[1] for server in servers}
    for name, lines in answers.items():
        if len(lines) != rows:
            sys.exit(f"error: {name} answers {len(lines)} of {rows} rows")
    pairs = zip(answers["ours"], answers["onnxruntime"], strict=True)
    difference = max(abs(float(line.split(",")[1]) - float(theirs)) for line, theirs in pairs)
    if difference > MOST_DIFFERENCE:
        sys.exit(f"error: the probabilities of ours and of onnxruntime differ by {difference}")
