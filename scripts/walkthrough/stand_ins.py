"""What stands for Docker, for cargo and for AWS's command line while README's commands run."""

import os
import subprocess
import sys
from pathlib import Path

from testing.parts import ROOT

# `cargo run` would compile what the tests have compiled already.
CARGO = """#!/bin/sh
[ "$1 $2 $3 $4" = "run -p orchestrator --" ] || { echo "cargo $*: not played" >&2; exit 64; }
shift 4
exec "$ORCHESTRATOR" "$@"
"""
ORCHESTRATOR = """#!/bin/sh
exec "$ORCHESTRATOR" "$@"
"""
# Docker's part: the engine, and pushing to ECR, which moto does not have.
DOCKER = """#!/bin/sh
[ "$1" = login ] && [ "$(cat)" = password ] && exit 0
echo "docker $*: not played" >&2; exit 64
"""
BUILD = """#!/bin/sh
exit 0
"""


def make(clone, place):
    """Puts the programs in front of those of the machine, and gives the PATH."""
    python = f"#!/bin/sh\nPYTHONPATH={ROOT}/scripts exec {sys.executable} -m walkthrough.stand_ins"
    programs = {
        place / "cargo": CARGO,
        place / "docker": DOCKER,
        place / "aws": f'{python} aws "$@"\n',
        clone / "scripts/orchestrator": ORCHESTRATOR,
        clone / "scripts/build-images": BUILD,
        clone / "scripts/push-images": f'{python} push-images "$@"\n',
    }
    for path, text in programs.items():
        path.write_text(text)
        path.chmod(0o755)
    # The checkout is what was committed, as for whoever follows README.
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
    git = ["git", "-C", clone, *identity]
    subprocess.run([*git, "add", "--all"], check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "stand-ins"], check=True)
    return f"{place}:{os.environ['PATH']}"


def aws(arguments):
    from .account import ID, client

    if arguments[:2] == ["sts", "get-caller-identity"]:
        print(ID)
    elif arguments[:2] == ["ecr", "get-login-password"]:
        print("password")
    elif arguments[:2] == ["cloudformation", "deploy"]:
        options = dict(zip(arguments[2::2], arguments[3::2], strict=True))
        client("cloudformation").create_stack(
            StackName=options["--stack-name"],
            TemplateBody=Path(options["--template-file"]).read_text(),
            Capabilities=[options["--capabilities"]],
        )
    else:
        sys.exit(f"aws {' '.join(arguments)}: not played")


def push_images(arguments):
    from .account import ID, REGION, Account

    if arguments != [f"{ID}.dkr.ecr.{REGION}.amazonaws.com"]:
        sys.exit(f"push-images {arguments}: another registry")
    # As scripts/push-images itself: README's commands must leave the checkout as it was.
    changed = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True)
    if changed.stdout:
        sys.exit(f"push-images: the checkout differs from its commit:\n{changed.stdout}")
    tag = ["git", "rev-parse", "--short=12", "HEAD"]
    Account(None).push(subprocess.check_output(tag, text=True).strip())


if __name__ == "__main__":
    {"aws": aws, "push-images": push_images}[sys.argv[1]](sys.argv[2:])
