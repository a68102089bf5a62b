#!/usr/bin/env python3
"""A build with CUDA: what it is made of, what it says where there is no GPU, and training on one where there is."""
import json
import shutil
import subprocess
import unittest

import fixtures
import support


def gpus():
    if shutil.which("nvidia-smi") is None:
        return []
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    return [line for line in listed.stdout.splitlines() if line.startswith("GPU ")] if listed.returncode == 0 else []


class Linked(unittest.TestCase):
    def test_with_the_libraries_that_hold_the_kernels(self):
        said = subprocess.run(["ldd", support.program("spcnet")], capture_output=True, text=True, check=True).stdout
        for library in ("libtorch_cuda.so", "libc10_cuda.so", "libnccl.so.2"):
            self.assertIn(library, said, "no symbol of ours needs it, and yet it must be there")
        self.assertNotIn("not found", said)


@unittest.skipIf(gpus(), "this machine has a GPU")
class WithoutGpu(fixtures.SpcnetTest):
    def test_auto_is_the_cpu(self):
        self.train("run", "--train.max_steps", "2", ranks=2, err="2 ranks x 1 threads, fp32")

    def test_cuda_is_refused(self):
        self.train("run", "--train.device", "cuda", expect=1, err=["has 1 ranks and 0 GPUs; a rank needs one of its own", "set train.device cpu"])


@unittest.skipUnless(gpus(), "NOT RUN: no GPU here")
class WithGpu(fixtures.SpcnetTest):
    STEPS = 10

    def losses(self, run, *arguments, **expectations):
        self.train(run, "--train.max_steps", str(self.STEPS), *arguments, **expectations)
        return [json.loads(line)["loss"] for line in self.read(f"{run}/train.jsonl").splitlines() if "loss" in line]

    def test_learns_what_the_cpu_learns(self):
        cpu = self.losses("cpu", "--train.device", "cpu")
        for kernels in ("fused", "plain"):
            gpu = self.losses(kernels, "--train.device", "cuda", "--train.kernels", kernels, err="and a GPU, fp32")
            self.assertEqual(len(gpu), self.STEPS)
            for step, (one, other) in enumerate(zip(gpu, cpu), 1):
                self.assertLess(abs(one - other), 2e-3 * other, f"{kernels}, step {step}")

    def test_repeated_steps_are_those_that_are_given_kernel_by_kernel(self):
        arguments = ("--train.device", "cuda", "--train.precision", "bf16")
        for kernels in ("fused", "plain"):
            eager = self.losses(f"eager-{kernels}", *arguments, "--train.kernels", kernels)
            repeated = self.losses(f"repeated-{kernels}", *arguments, "--train.kernels", kernels, "--train.cuda_graphs", "true")
            for step, (one, other) in enumerate(zip(repeated, eager, strict=True), 1):
                self.assertLess(abs(one - other), 1e-3 * other, f"{kernels}, step {step}")

    def test_half_precision_accumulation_and_resume(self):
        for steps in ("4", "8"):
            self.train("run", "--train.device", "cuda", "--train.precision", "bf16", "--train.accumulate", "2", "--train.max_steps", steps,
                       err=f"done after step {steps}")

    def test_embeddings_are_those_of_the_cpu(self):
        self.losses("run", "--train.device", "cuda")
        embeddings = {}
        for device in ("cuda", "cpu"):
            out = self.path(device + ".h5")
            self.spcnet("extract", "--run", "run", "--shards", fixtures.shards(), "--out", out, "--train.device", device)
            embeddings[device] = fixtures.read_tensors(out)[0]["embedding"]
        self.assertLess(abs(embeddings["cuda"] - embeddings["cpu"]).max(), 2e-3 * abs(embeddings["cpu"]).max())

    def test_a_rank_for_each_gpu(self):
        count = len(gpus())
        if count > 1:
            for graphs in ("false", "true"):
                self.train("many-" + graphs, "--train.device", "cuda", "--train.max_steps", "6", "--train.cuda_graphs", graphs,
                           ranks=min(count, 4), err="done after step 6")
        self.train("run", "--train.device", "cuda", ranks=count + 1, expect=1, err="a rank needs one of its own" if count > 1 else "would share one GPU")


if __name__ == "__main__":
    unittest.main(verbosity=2)
