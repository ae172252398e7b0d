"""The Docker engine, moto where containers reach it, and what a test leaves in either."""

import contextlib
import ipaddress
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from testing.peers import ENVIRONMENTS

# The SDK joins every container to a network of this name and leaves it behind.
NETWORK = "sagemaker-local"


def say(message):
    print(message, file=sys.stderr, flush=True)


def call(command, **options):
    """Gives the standard output of a command; one that fails ends the test with its output."""
    done = subprocess.run([str(word) for word in command], capture_output=True, **options)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).decode(errors="replace")
        sys.exit(f"{said}error: {shlex.join(map(str, command))}: exit code {done.returncode}")
    return done.stdout


def answers(*command):
    """Tells whether a command exists and succeeds."""
    try:
        return (
            subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
            == 0
        )
    except OSError:
        return False


def revision_of(image):
    """Gives the commit in an image's labels."""
    label = '{{index .Config.Labels "org.opencontainers.image.revision"}}'
    command = ["docker", "image", "inspect", "--format", label, image]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    if done.returncode != 0:
        sys.exit(f"error: there is no image {image}; scripts/build-images builds it")
    return done.stdout.strip()[:12]


@contextlib.contextmanager
def moto(workdir):
    """Starts moto, which stands for S3 and SageMaker, and gives its host and address."""
    # The address at which this machine and its containers reach moto. Engine 20.10 may name only
    # the subnet, of which it takes the first address.
    bridge = json.loads(call(["docker", "network", "inspect", "bridge"]))[0]["IPAM"]["Config"][0]
    host = bridge.get("Gateway") or str(ipaddress.ip_network(bridge["Subnet"])[1])
    try:
        port = free_port(host)
    except OSError as error:
        sys.exit(f"error: cannot listen where containers reach this machine, {host}: {error}")
    log = workdir / "moto.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [ENVIRONMENTS / "sdk/bin/moto_server", "-H", host, "-p", str(port)],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        until = time.monotonic() + 60
        while not listening(host, port):
            if server.poll() is not None or time.monotonic() > until:
                sys.exit(f"{log.read_text(errors='replace')}error: moto_server did not start")
            time.sleep(0.1)
        yield host, f"http://{host}:{port}"
    finally:
        server.terminate()
        server.wait()


def free_port(host=""):
    with socket.create_server((host, 0)) as free:
        return free.getsockname()[1]


def listening(host, port):
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


@contextlib.contextmanager
def compose(workdir):
    """Lets the SDK find Docker Compose, and removes what the SDK leaves in the engine."""
    if not shutil.which("docker-compose"):
        # The SDK accepts version 2 of `docker compose` and no later one, else this program.
        shim = workdir / "bin" / "docker-compose"
        shim.parent.mkdir()
        shim.write_text('#!/bin/sh\nexec docker compose "$@"\n')
        shim.chmod(0o755)
        os.environ["PATH"] = f"{shim.parent}{os.pathsep}{os.environ['PATH']}"
    before = answers("docker", "network", "inspect", NETWORK)
    try:
        yield
    finally:
        stop_composing(workdir / "jobs")
        # The SDK deletes the files of a server that it stops, and leaves the container.
        jobs = (workdir / "jobs").resolve()
        shown = '{{.ID}} {{.Label "com.docker.compose.project.working_dir"}}'
        listed = call(["docker", "ps", "--all", "--format", shown]).decode().splitlines()
        places = [line.partition(" ")[::2] for line in listed]
        left = [one for one, place in places if Path(place).resolve().is_relative_to(jobs)]
        if left:
            call(["docker", "rm", "--force", *left])
        if not before:
            # The engine refuses while other containers use the network, which is right.
            answers("docker", "network", "rm", NETWORK)


def stop_composing(jobs):
    """Stops what still runs of Docker Compose, which could yet create a container."""
    import psutil

    left = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if any(str(jobs) in word for word in child.cmdline()):
                child.terminate()
                left.append(child)
    for child in psutil.wait_procs(left, timeout=30)[1]:
        child.kill()


@contextlib.contextmanager
def temporary_directory():
    """Makes a temporary directory; root owns some files in it, as containers run as root."""
    workdir = Path(tempfile.mkdtemp(prefix="sdk-"))
    try:
        yield workdir
    finally:
        shutil.rmtree(workdir, ignore_errors=True)
        if workdir.exists() and not answers("sudo", "-n", "rm", "-rf", workdir):
            say(f"left: {workdir}, with files that root owns")
