"""What can happen to a run. Each function disturbs a world and gives what was wrong with it."""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time


def killed(world, random, seconds):
    """A run is killed with its steps."""
    process = world.start(random.choice(world.variants), cached=random.random() < 0.3)
    time.sleep(random.uniform(0, seconds))
    kill(process, signal.SIGKILL)
    process.communicate()


def stopped(world, random, seconds):
    """A run is ended as by Ctrl-C or a shutdown."""
    variant = random.choice(world.variants)
    process = world.start(variant, cached=random.random() < 0.3)
    time.sleep(random.uniform(0, seconds))
    kill(process, random.choice([signal.SIGTERM, signal.SIGINT]))
    return unless_refused(world, variant, process)


def paused(world, random, seconds):
    """A run stands still while another one passes it."""
    first, second = random.choice(world.variants), random.choice(world.variants)
    process = world.start(first, cached=False)
    time.sleep(random.uniform(0, seconds))
    kill(process, signal.SIGSTOP)
    fault = world.wrong(second, world.start(second))
    kill(process, signal.SIGCONT)
    return world.wrong(first, process) or fault


def concurrent(world, random, _):
    """Several runs share the directory."""
    variants = [random.choice(world.variants) for _ in range(3)]
    processes = [world.start(variant, cached=random.random() < 0.5) for variant in variants]
    faults = [world.wrong(*pair) for pair in zip(variants, processes, strict=True)]
    return next((fault for fault in faults if fault), None)


def damaged(world, random, _):
    """Files are cut, emptied, changed, deleted, exchanged for others, or become what is no file."""
    files = files_of(world)
    for file in random.sample(files, min(len(files), random.randint(1, 3))):
        damage(world, file, random, random.choice(files))
        world.damaged.add(file)


def planted(world, random, _):
    """Files are put beside those that are there, and a version is copied to another number."""
    files = files_of(world)
    for file in random.sample(files, min(len(files), random.randint(1, 3))):
        name = random.choice(["other.csv", ".other", "0", f"{file.name}.csv", f"a_{file.name}"])
        source, target = random.choice(files), file.with_name(name)
        # what was planted before may be a pipe or a link by now
        if not os.path.lexists(target):
            shutil.copyfile(source, target)
    versions = [file.parent for file in files if file.name == "model_package.json"]
    versions = [version for version in versions if version.name.isdecimal()]
    if versions and random.random() < 0.3:
        version = random.choice(versions)
        copy = version.with_name(str(int(version.name) + random.randint(1, 9)))
        if not copy.exists():
            shutil.copytree(version, copy)
            world.damaged.add(copy / "model_package.json")


def cleaned(world, random, seconds):
    """What nobody needs is removed, alone or beside a run, and the removal may be killed."""
    if not (world.runs / "executions").is_dir() or not (world.runs / "s3").is_dir():
        return None
    variant = random.choice(world.variants)
    process = world.start(variant) if random.random() < 0.5 else None
    time.sleep(random.uniform(0, seconds if process else 0))
    keep, was_killed = random.randint(0, 3), random.random() < 0.3
    cleaning = subprocess.Popen(
        [world.orchestrator, "clean", "--yes", "--runs", world.runs, "--keep", str(keep)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=world.place,
    )
    if was_killed:
        time.sleep(random.uniform(0, 0.02))
        cleaning.kill()
    said = cleaning.communicate(timeout=120)[1].decode(errors="replace").strip()
    fault = process and world.wrong(variant, process)
    if cleaning.returncode != 0 and not was_killed:
        return f"clean: exit {cleaning.returncode}: {said}"
    return fault


def swapped(world, random, _):
    """The staged tables are exchanged while a run reads them."""
    variant, over = random.choice(world.variants), threading.Event()
    process = world.start(variant, cached=random.random() < 0.3)

    def swap():
        while not over.is_set():
            staged = [file for file in files_of(world) if "raw" in file.parts]
            if staged:
                file = random.choice(staged)
                replace(random.choice(world.variants)[0], file)
                world.damaged.add(file)
            time.sleep(0.003)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        # The run may find it out and refuse; what it registers must be right.
        return unless_refused(world, variant, process)
    finally:
        over.set()
        thread.join()


def full(world, random, _):
    """The disk is full but for a little. The world must have a file system of its own."""
    filler = world.place / "filler"
    free = shutil.disk_usage(world.place).free
    try:
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(free - random.randint(0, 1_500_000), 1))
        variant = random.choice(world.variants)
        return unless_refused(world, variant, world.start(variant, cached=False))
    finally:
        filler.unlink()


DISTURBANCES = [killed, stopped, paused, concurrent, damaged, planted, swapped, cleaned, full]


def unless_refused(world, variant, process):
    """A run may fail, and say so, but nothing that it gives may be wrong."""
    fault = world.wrong(variant, process)
    return None if fault and fault.startswith("exit ") else fault


def files_of(world):
    found = []
    for directory, _, names in os.walk(world.runs):
        found += [world.runs / directory / name for name in names if not name.endswith(".log")]
    return sorted(file for file in found if file.is_file())


def damage(world, file, random, other):
    content = bytearray(file.read_bytes())
    how = random.choice(["cut", "empty", "change", "delete", "exchange", "pipe", "link"])
    if how == "cut":
        content = content[: random.randint(0, len(content))]
    elif how == "empty":
        content = b""
    elif how == "change" and content:
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    elif how == "exchange":
        content = other.read_bytes()
    file.unlink()
    if how == "pipe":
        os.mkfifo(file)
    elif how == "link":
        file.symlink_to(world.outside)
    elif how != "delete":
        file.write_bytes(content)


def replace(source, file):
    beside = file.with_name("swapped")
    with contextlib.suppress(FileNotFoundError):
        shutil.copyfile(source, beside)
        beside.replace(file)


def kill(process, number):
    """Sends a signal to a run and the steps that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
