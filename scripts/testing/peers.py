"""Installs the Python programs that the tests need and starts the server that stands for AWS."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from .parts import ROOT, PartFailed

ENVIRONMENTS = ROOT / ".venv"


def require_venv():
    """Installs Python's module venv where Debian left it out and this user may."""
    test = [sys.executable, "-c", "import ensurepip, venv"]
    if subprocess.run(test, stderr=subprocess.DEVNULL).returncode == 0:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit("error: python3 has no venv module; on Debian: apt-get install python3-venv")
    subprocess.run(["apt-get", "update", "-q"], check=True)
    subprocess.run(["apt-get", "install", "-yq", "python3-venv"], check=True)


def installed(name, requirements):
    """Gives a function that installs a file of requirements into .venv/NAME where that is not done.

    It is called with a function that takes each line of output.
    """

    def install(log):
        wanted, place = ROOT / requirements, ENVIRONMENTS / name
        # Copied last, so its presence says that the rest is complete.
        complete = place / "requirements.txt"
        same = complete.is_file() and complete.read_bytes() == wanted.read_bytes()
        # Starting fails where the Python that the environment was made with is gone.
        if same and subprocess.run([place / "bin/python", "-c", ""]).returncode == 0:
            return
        call(log, [sys.executable, "-m", "venv", "--clear", place])
        # Python itself compiles the few modules that are imported. Compiling all of them would take
        # 20 s of a core while the tests are compiled.
        pip = [place / "bin/python", "-m", "pip", "install", "--quiet", "--no-compile"]
        call(log, [*pip, "--disable-pip-version-check", "-r", wanted])
        shutil.copyfile(wanted, complete)

    return install


def run_in(name, requirements=None):
    """Starts the program again with the Python of .venv/NAME, unless it runs with that.

    With a file of requirements the environment is installed first where it is not.
    """
    place = ENVIRONMENTS / name
    if Path(sys.prefix).resolve() == place.resolve():
        return
    if requirements:
        try:
            installed(name, requirements)(print)
        except PartFailed as error:
            sys.exit(f"error: {error}")
    python = place / "bin/python"
    if not python.is_file():
        sys.exit(f"error: {python} does not exist; `scripts/test --all` installs it")
    os.execv(python, [python, *sys.argv])


def call(log, command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in done.stdout.splitlines():
        log(line)
    if done.returncode != 0:
        raise PartFailed(f"{' '.join(map(str, command))}: exit code {done.returncode}")


class Moto:
    """The moto server on a free port of this machine."""

    def __init__(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.server = None

    def start(self, log):
        output = ENVIRONMENTS / "moto.log"
        program = [ENVIRONMENTS / "moto/bin/moto_server", "-H", "127.0.0.1", "-p", str(self.port)]
        with output.open("wb") as file:
            self.server = subprocess.Popen(program, stdout=file, stderr=subprocess.STDOUT)
        until = time.monotonic() + 60
        while not self.listens():
            if self.server.poll() is not None or time.monotonic() > until:
                for line in output.read_text(errors="replace").splitlines()[-20:]:
                    log(line)
                raise PartFailed("moto_server did not start")
            time.sleep(0.1)

    def listens(self):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        return False

    def stop(self):
        if self.server:
            self.server.terminate()
            self.server.wait()
