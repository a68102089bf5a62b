#!/usr/bin/env python3
"""cluster/ as far as it can be checked without a cluster: the schema of the MPIJob, names that must agree, packages that must exist."""
import json
import os
import re
import shutil
import subprocess
import sys
import unittest

import jsonschema
import yaml

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import support  # pylint: disable=wrong-import-position

HERE = os.path.dirname(os.path.abspath(__file__))
CLUSTER = os.path.join(support.ROOT, "cluster")


def read(*names):
    with open(os.path.join(CLUSTER, *names), encoding="utf-8") as file:
        return file.read()


class MpiJob(unittest.TestCase):
    def setUp(self):
        self.job = yaml.safe_load(read("kubernetes", "mpijob.yaml"))
        with open(os.path.join(HERE, "mpijob.schema.json"), encoding="utf-8") as file:
            self.validator = jsonschema.Draft7Validator(json.load(file))

    def test_obeys_the_schema(self):
        self.assertEqual([f"{list(error.path)}: {error.message}" for error in self.validator.iter_errors(self.job)], [])

    def test_a_wrong_field_does_not(self):
        self.job["spec"]["slotsPerWorkers"] = 4
        self.job["spec"]["mpiReplicaSpecs"]["Worker"]["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"] = 32
        self.assertEqual(len(list(self.validator.iter_errors(self.job))), 2)

    def test_mounts_name_volumes_and_both_pods_have_the_data(self):
        for role in ("Launcher", "Worker"):
            pod = self.job["spec"]["mpiReplicaSpecs"][role]["template"]["spec"]
            volumes = {volume["name"] for volume in pod["volumes"]}
            mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
            self.assertEqual(set(mounts), volumes)
            self.assertEqual(mounts["data"], "/data")

    def test_the_command_is_one_that_the_launcher_takes(self):
        container = self.job["spec"]["mpiReplicaSpecs"]["Launcher"]["template"]["spec"]["containers"][0]
        words = [*container["command"], *container["args"]]
        hostfile = os.path.join(CLUSTER, "hostfile.example")
        words = [word.replace("/etc/mpi/hostfile", hostfile) for word in words]
        done = subprocess.run([support.program(words[0]), "--dry-run", *words[1:]], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("--host node01:4,node02:4", done.stdout)

    def test_paths_are_those_of_the_image(self):
        image = read("container", "Dockerfile")
        worker = self.job["spec"]["mpiReplicaSpecs"]["Worker"]["template"]["spec"]["containers"][0]
        self.assertIn(worker["args"][-1], image)
        self.assertIn(self.job["spec"]["sshAuthMountPath"] + "/authorized_keys", image)
        self.assertIn(f"--uid {worker['securityContext']['runAsUser']} ", image)


class Image(unittest.TestCase):
    def test_its_packages_hold_every_library_of_the_programs(self):
        if shutil.which("dpkg-query") is None or not read_os("debian", "12"):
            self.skipTest("only Debian 12 can tell")
        named = set(re.findall(r"\b(lib[a-z0-9.+-]+|openmpi-bin)\b", read("container", "Dockerfile").split("FROM debian:12\n")[1].split("&&")[1]))
        listed = subprocess.run(["apt-cache", "depends", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts", "--no-breaks",
                                 "--no-replaces", "--no-enhances", *named], capture_output=True, text=True, check=True).stdout
        installed = {line.split()[-1].strip("<>") for line in listed.splitlines() if line}
        linked = set()
        for program in ("spcnet", "spcnet-data", "spcnet-launch", "spcnet-onnx"):
            self.assertIn(f"/bin/{program} ", read("container", "Dockerfile"))
            said = subprocess.run(["ldd", support.program(program)], capture_output=True, text=True, check=True).stdout
            linked |= {os.path.basename(os.path.realpath(path)) for path in re.findall(r"=> (/(?:usr/)?lib\S+)", said)}
        self.assertIn("libc.so.6", linked)
        owners = {name: set() for name in linked}
        asked = ["dpkg-query", "-S", *(f"*/{name}" for name in linked)]
        for line in subprocess.run(asked, capture_output=True, text=True, check=False).stdout.splitlines():
            package, path = line.split(": ")
            owners[os.path.basename(path)].add(package.split(":")[0])
        for name, packages in owners.items():
            self.assertTrue(installed & packages, f"{name} of {packages}")


def read_os(name, version):
    with open("/etc/os-release", encoding="utf-8") as file:
        text = file.read()
    return f"ID={name}\n" in text and f'VERSION_ID="{version}"' in text


class Batch(unittest.TestCase):
    def test_the_script_warns_early_enough_and_requeues(self):
        script = read("slurm", "train.sbatch")
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)
        seconds = int(re.search(r"#SBATCH --signal=B:USR1@(\d+)", script).group(1))
        self.assertGreaterEqual(seconds, 180, "Slurm may come a minute early, a large checkpoint takes a while")
        for line in ("#SBATCH --requeue", "#SBATCH --open-mode=append", "scontrol requeue", "-eq 75"):
            self.assertIn(line, script)


if __name__ == "__main__":
    unittest.main()
