"""What the end-to-end tests share: running a program, and files that it reads."""
import math
import os
import shutil
import struct
import subprocess
import tempfile
import unittest
import wave

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("SPCNET_BIN", os.path.join(ROOT, "build", "release", "bin"))
CACHE = os.environ.get("SPCNET_CACHE", os.path.expanduser("~/.cache/spcnet"))


def program(name):
    path = os.path.join(BIN, name)
    if not os.path.exists(path):
        raise FileNotFoundError(f"{path} is not built; SPCNET_BIN names the folder of the programs")
    return path


def command_line(command, ranks):
    """`command` with the program's path; under mpirun if there are several ranks."""
    line = [program(command[0]), *command[1:]]
    return line if ranks == 1 else ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), *line]


def environment(more=None):
    # Open MPI refuses to run as root without these two.
    return {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", **(more or {})}


def end(process):
    """Asks first, so that mpirun takes its ranks along."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def children(pid):
    """The processes that a process has started, as far as both are there."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
            return [int(child) for child in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def browser():
    """The path of a browser that opens pages without a screen."""
    for name in ("chromium", "google-chrome"):
        if shutil.which(name):
            return shutil.which(name)
    raise FileNotFoundError("no chromium on this machine; as root run:  apt-get install --no-install-recommends chromium")


def crc32c(data):
    """Bit by bit, from the definition (RFC 3720)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


class ProgramTest(unittest.TestCase):
    """Each test has a folder of its own, self.folder, and works in it."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="spcnet_e2e_")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def run_program(self, *command, ranks=1, expect=0, out=None, err=None, env=None, timeout=120, preexec=None):
        """Runs it, on several MPI ranks if asked to; checks the exit code and that standard output and error hold
        these texts. More time than `timeout` seconds is a failure."""
        process = subprocess.Popen(command_line(command, ranks), cwd=self.folder, text=True, env=environment(env),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=preexec)
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            end(process)
            stdout, stderr = process.communicate(timeout=20)
            self.fail(f"{' '.join(command)}\nran for more than {timeout} s\nstdout: {stdout}\nstderr: {stderr}")
        told = f"{' '.join(command)}\nstdout: {stdout}\nstderr: {stderr}"
        self.assertEqual(process.returncode, expect, told)
        for wanted, text in ((out, stdout), (err, stderr)):
            for part in [wanted] if isinstance(wanted, str) else wanted or []:
                self.assertIn(part, text, told)
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)

    def start_program(self, *command, ranks=1):
        """Starts it and goes on; what it says goes to stderr.txt. Ended at the end of the test."""
        with open(self.path("stderr.txt"), "w", encoding="utf-8") as stderr:
            process = subprocess.Popen(command_line(command, ranks), cwd=self.folder, env=environment(),
                                       stdout=subprocess.DEVNULL, stderr=stderr)
        self.addCleanup(end, process)
        return process

    def write_wav(self, name, seconds, hz=440.0, rate=16000, channels=1):
        """A tone with some overtones, 16 bit."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        samples = []
        for i in range(int(seconds * rate)):
            value = sum(math.sin(2 * math.pi * hz * k * i / rate) / k for k in (1, 2, 3, 5))
            samples += [int(6000 * value)] * channels
        with wave.open(path, "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
        return path
