#!/usr/bin/env python3
"""A Slurm of one machine runs the batch script: to the end, over a time limit with its warning and the requeue, and until its user ends it."""
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import fixtures  # pylint: disable=wrong-import-position
import privileged  # pylint: disable=wrong-import-position
import support  # pylint: disable=wrong-import-position

SCRIPT = os.path.join(support.ROOT, "cluster", "slurm", "train.sbatch")
# A requeued job waits as long as a credential lives: two minutes unless told otherwise.
CONFIG = """
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=cred_expire=10
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
MpiDefault=pmix
ReturnToService=2
KillWait=5
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmdSpoolDir={folder}/spool
StateSaveLocation={folder}/state
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=2000 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP OverSubscribe=YES
"""
# Slurm 22.05 wants a cgroup plugin even where nothing is tracked by cgroups.
CGROUP = "CgroupPlugin=cgroup/v1\nCgroupAutomount=yes\n"


class Slurm:
    """munged, slurmctld and slurmd of this machine, with a configuration of their own."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="spcnet_slurm_")
        self.environment = support.environment({"SLURM_CONF": os.path.join(self.folder, "slurm.conf")})
        self.daemons = []
        try:
            self.up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if len(self.daemons) == 3:
            self.end_jobs()
        for daemon in reversed(self.daemons):
            daemon.terminate()
            daemon.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def up(self):
        host = socket.gethostname().split(".")[0]
        for name, text in (("slurm.conf", CONFIG.format(host=host, folder=self.folder)), ("cgroup.conf", CGROUP)):
            with open(os.path.join(self.folder, name), "w", encoding="ascii") as file:
                file.write(text)
        for name in ("spool", "state"):
            os.mkdir(os.path.join(self.folder, name))
        os.chmod(self.folder, 0o755)
        key = "/etc/munge/munge.key"
        if not os.path.exists(key):
            with open(key, "wb") as file:
                file.write(os.urandom(1024))
        os.chmod(key, 0o400)
        shutil.chown(key, "munge", "munge")
        os.makedirs("/run/munge", exist_ok=True)
        os.chmod("/run/munge", 0o755)
        shutil.chown("/run/munge", "munge", "munge")
        self.start("setpriv", "--reuid", "munge", "--regid", "munge", "--clear-groups", "munged", "--foreground", "--force")
        self.start("slurmctld", "-D")
        self.start("slurmd", "-D")
        deadline = time.monotonic() + 30
        while "idle" not in self.ask("sinfo", "-h", "-o", "%T"):
            if time.monotonic() > deadline:
                privileged.not_run("slurmctld and slurmd do not come up here: " + self.last_words())
            time.sleep(0.2)

    def start(self, *command):
        self.daemons.append(subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                             stderr=subprocess.DEVNULL))

    def ask(self, *command):
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=30,
                              stdin=subprocess.DEVNULL).stdout

    def end_jobs(self):
        self.ask("scancel", "--user=root")
        deadline = time.monotonic() + 20
        while self.ask("squeue", "-h") and time.monotonic() < deadline:
            time.sleep(0.2)

    def last_words(self):
        words = []
        for name in ("slurmctld.log", "slurmd.log"):
            path = os.path.join(self.folder, name)
            if os.path.exists(path):
                with open(path, encoding="utf-8") as file:
                    words += file.readlines()[-3:]
        return " ".join(words)

    def state(self, job):
        """JobState and Restarts of a job."""
        found = dict(re.findall(r"(\w+)=(\S+)", self.ask("scontrol", "show", "job", str(job))))
        return found.get("JobState", "?"), int(found.get("Restarts", 0))


class SlurmTest(fixtures.ContinuedRunTest):
    @classmethod
    def setUpClass(cls):
        cls.slurm = cls.enterClassContext(Slurm())

    def submit(self, *options, steps, train=(), via="mpirun"):
        command = self.train_command(self.path("run"), "--train.max_steps", str(steps), *train)
        environment = {**self.slurm.environment, "PATH": support.BIN + ":" + os.environ["PATH"], "SPCNET_VIA": via}
        done = subprocess.run(["sbatch", "--parsable", "--nodes=1", "--ntasks-per-node=2", "--cpus-per-task=1", "--output=job.log", *options,
                               SCRIPT, *command], cwd=self.folder, env=environment, capture_output=True, text=True,
                              check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.addCleanup(self.slurm.end_jobs)  # before their folder is removed
        return int(done.stdout)

    def log(self):
        return self.read("job.log") if os.path.exists(self.path("job.log")) else ""

    def wait_for(self, job, seconds, condition):
        deadline = time.monotonic() + seconds
        while not condition(self.slurm.state(job)):
            self.assertLess(time.monotonic(), deadline, f"{self.slurm.state(job)}\n{self.log()}\n{self.slurm.last_words()}")
            time.sleep(0.2)


class Batch(SlurmTest):
    STEPS = 20

    def test_both_forms_run_to_the_end(self):
        for via in ("mpirun", "srun"):
            with self.subTest(via):
                job = self.submit(steps=self.STEPS, via=via)
                self.wait_for(job, 60, lambda state: state[0] in ("COMPLETED", "FAILED"))
                self.assertEqual(self.slurm.state(job)[0], "COMPLETED", self.log())
                self.assertIn("2 ranks x 1 threads", self.log())
                self.assert_equals_straight(ranks=2, step=self.STEPS)
                shutil.rmtree(self.path("run"))
                os.remove(self.path("job.log"))

    def test_a_failure_is_a_failed_job(self):
        job = self.submit(steps=20, train=("--train.batch_size", "0"))
        self.wait_for(job, 60, lambda state: state[0] in ("COMPLETED", "FAILED"))
        self.assertEqual(self.slurm.state(job)[0], "FAILED")
        self.assertIn("error: train.epochs must be > 0", self.log())


class LongRun(SlurmTest):
    STEPS = 100000

    def submit_endless(self, *options):
        return self.submit(*options, steps=self.STEPS, train=("--train.epochs", "100000"))

    def test_the_warning_saves_and_requeues_and_the_run_goes_on(self):
        """A limit of two minutes, the warning half a minute before; Slurm may send it up to a minute early."""
        job = self.submit_endless("--time=2", "--signal=B:USR1@30")
        self.wait_for(job, 180, lambda state: state[1] == 1)
        self.assertIn("stopped as asked; the same command continues after step", self.log())
        saved = max(self.checkpoints("run"))
        self.wait_for(job, 120, lambda _: f"continuing from {self.path('run')}/checkpoints/step-{saved:08}.h5" in self.log())
        self.slurm.ask("scancel", str(job))
        self.wait_for(job, 60, lambda state: state[0] == "CANCELLED")

    def end(self, *how):
        """@returns JobState and Restarts of a job that its user ends"""
        job = self.submit_endless()
        self.wait_for(job, 60, lambda _: "] step 8/" in self.log())
        self.slurm.ask("scancel", *how, str(job))
        self.wait_for(job, 60, lambda state: state[0] not in ("RUNNING", "COMPLETING"))
        return self.slurm.state(job)

    def test_ended_by_its_user_it_saves_and_stays_away(self):
        self.assertEqual(self.end("--batch", "--signal=TERM"), ("FAILED", 0), self.log())  # 75 is not 0
        self.assertIn("stopped as asked; the same command continues after step", self.log())

    def test_cancelled_it_stays_away(self):
        self.assertEqual(self.end(), ("CANCELLED", 0), self.log())


if __name__ == "__main__":
    privileged.require("slurmctld", "slurmd", "sbatch", "scontrol", "munged", "setpriv")
    if os.geteuid() != 0:
        privileged.not_run("slurmd and munged need root")
    unittest.main()
