"""A disk in a file, whose power can be cut: it is mounted, and copied as it is at one instant."""

import contextlib
import os
import shutil
import subprocess
import sys
import time

SIZE = 48 << 20
# It is set where nobody else sees what is mounted.
ALONE = "TEST_MOUNTS_ALONE"


def call(*words):
    return subprocess.run([*map(str, words)], check=True, capture_output=True, text=True)


def mount_alone():
    """Starts the script again where nobody else sees what it mounts, if that is possible.

    A container that starts while a disk is mounted would get a copy of the mount. The file system
    would live on when it is unmounted here, and be what the next disk shows.
    """
    alone = ["unshare", "--mount", "--propagation", "slave"]
    if ALONE in os.environ or not shutil.which(alone[0]):
        return
    if subprocess.run([*alone, "true"], capture_output=True).returncode == 0:
        os.environ[ALONE] = "1"
        os.execvp(alone[0], [*alone, sys.executable, *sys.argv])


def make_disk(path):
    with path.open("wb") as file:
        file.truncate(SIZE)
    call("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0", path)


@contextlib.contextmanager
def mounted(disk, at):
    call("mount", "-o", "loop", disk, at)
    try:
        yield at
    finally:
        # A step outlives the run that was killed for a moment.
        for _ in range(200):
            if subprocess.run(["umount", at], capture_output=True).returncode == 0:
                break
            time.sleep(0.05)
        else:
            call("umount", at)


def copy_disk(disk, copy):
    """Copies a disk as it is at one instant.

    What is the same when it is copied and when it is compared afterwards did not change in between,
    so that all of it was on the disk when the copying ended.
    """
    for _ in range(1000):
        call("cp", "--sparse=always", disk, copy)
        if subprocess.run(["cmp", "--silent", disk, copy]).returncode == 0:
            return
    raise OSError(f"{disk} changes all the time")
