#!/usr/bin/env python3
"""The number of ranks does not change what is computed, only who computes it: the same global batch gives the same run."""
import json
import unittest

import numpy as np

import fixtures

# In front of a normalisation the gradient of a bias is zero: what the arithmetic leaves there is rounding, and is no tensor's own size.
VANISHING = 1e-3


def largest(tensors):
    return max(float(np.abs(tensor).max()) for tensor in tensors)


def kind_of(name):
    """Tensors of one kind have one scale: parameters, statistics, momentum, the centre."""
    return name.split("/")[0] + ("/statistics" if "running" in name else "")


class RanksTest(fixtures.SpcnetTest):
    def tensors(self, ranks, *arguments, step):
        run = f"run-{ranks}"
        self.train(run, "--train.max_steps", str(step), "--checkpoint.every_steps", str(step), *arguments, ranks=ranks,
                   err=f"{ranks} ranks x 1 threads")
        return fixtures.read_tensors(self.checkpoint(run, step))[0]


class Double(RanksTest):
    def test_two_and_three_ranks_equal_one(self):
        """Twenty steps of SGD. Three ranks have 2, 3 and 3 rows of the eight."""
        one = self.tensors(1, "--train.precision", "fp64", step=20)
        scale = {}
        for name, tensor in one.items():
            scale[kind_of(name)] = max(scale.get(kind_of(name), 0), largest([tensor]))
        self.assertEqual(sorted(scale), ["center", "optimizer", "student", "student/statistics", "teacher", "teacher/statistics"])
        for ranks in (2, 3):
            with self.subTest(ranks=ranks):
                other = self.tensors(ranks, "--train.precision", "fp64", step=20)
                self.assertEqual(one.keys(), other.keys())
                for name, tensor in one.items():
                    self.assertEqual(tensor.dtype, np.float64, name)
                    tolerance = max(1e-9 * largest([tensor]), 1e-12 * scale[kind_of(name)])
                    self.assertLessEqual(largest([tensor - other[name]]), tolerance, name)


class Single(RanksTest):
    def test_gradients_of_the_first_step(self):
        """Without weight decay the momentum after one step is the gradient."""
        gradients = {}
        for ranks in (1, 2):
            tensors = self.tensors(ranks, "--optim.weight_decay", "0", step=1)
            gradients[ranks] = {name: tensor for name, tensor in tensors.items() if name.startswith("optimizer/")}
        scale = largest(gradients[1].values())
        self.assertGreater(scale, 0.1)
        compared = 0
        for name, gradient in gradients[1].items():
            self.assertEqual(gradient.dtype, np.float32, name)
            if largest([gradient, gradients[2][name]]) > VANISHING * scale:
                compared += gradient.size
                self.assertLessEqual(largest([gradient - gradients[2][name]]), 1e-5 * scale, name)
        self.assertGreater(compared, 0.9 * sum(gradient.size for gradient in gradients[1].values()))


class HalfTheBytes(RanksTest):
    def test_gradients_as_bfloat16_differ_by_the_logged_error(self):
        """The momentum after one step without weight decay is the gradient; each number was rounded to 8 bits twice."""
        gradients, said = {}, {}
        for wire in ("fp32", "bf16"):
            self.train(f"run-{wire}", "--train.max_steps", "1", "--optim.weight_decay", "0", "--optim.clip_norm", "0",
                       "--dino.freeze_last_layer_epochs", "0", "--dist.wire", wire, ranks=2)
            tensors = fixtures.read_tensors(self.checkpoint(f"run-{wire}", 1))[0]
            gradients[wire] = np.concatenate([tensor.ravel() for name, tensor in tensors.items() if name.startswith("optimizer/")]).astype(float)
            said[wire] = json.loads(self.read(f"run-{wire}/train.jsonl").splitlines()[-1])
        error = np.linalg.norm(gradients["bf16"] - gradients["fp32"]) / np.linalg.norm(gradients["fp32"])
        self.assertNotIn("wire_error", said["fp32"])
        self.assertGreater(said["bf16"]["wire_error"], 1e-4)
        self.assertLess(abs(error / said["bf16"]["wire_error"] - 1), 0.1, "roundings are independent, so their squares add")

    def test_is_another_run(self):
        self.train("run", "--train.max_steps", "1", ranks=2)
        self.train("run", "--dist.wire", "bf16", ranks=2, expect=1, err="dist.wire: fp32 -> bf16")


class WithoutSynchronisation(RanksTest):
    def test_batch_norm_is_what_would_differ(self):
        """With each rank's own batch statistics two ranks are another computation: the comparison above can fail."""
        one = self.tensors(1, "--train.precision", "fp64", "--train.sync_bn", "false", step=1)
        two = self.tensors(2, "--train.precision", "fp64", "--train.sync_bn", "false", step=1)
        name = "student/backbone/stages/3/0/bn_out/running_mean"
        self.assertGreater(largest([one[name] - two[name]]), 1e-6 * largest([one[name]]))


if __name__ == "__main__":
    unittest.main()
