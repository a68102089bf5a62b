#!/usr/bin/env python3
"""`spcnet model`: what a configuration amounts to."""
import json
import unittest

import support


class ModelTest(support.ProgramTest):
    def model(self, *arguments, **expectations):
        return self.run_program("spcnet", "model", *arguments, **expectations)

    def figures(self, *arguments):
        return json.loads(self.model("--json", *arguments).stdout)

    def parameters(self, *arguments):
        return self.figures(*arguments)["parameters"]


class Defaults(ModelTest):
    def test_are_the_paper(self):
        figures = self.figures()
        self.assertEqual(figures["parameters"], 7_481_056)
        self.assertEqual((figures["num_mel_bins"], figures["frames"], figures["embedding_dim"]), (64, 200, 256))
        self.assertAlmostEqual(figures["multiply_adds"] / 3.35e9, 1, delta=0.02)

    def test_80_bins_widen_the_pooling_alone(self):
        # 256 channels x (10 - 8) more rows: pool.w1, pool.w2 with its bias, and both halves of fc
        more = 256 * 2
        self.assertEqual(self.parameters("--fbank.num_mel_bins", "80"), 7_481_056 + more * 128 + more * (128 + 1) + 2 * more * 256)

    def test_layers_add_up(self):
        figures = self.figures("--frames", "300")
        layers = figures["layers"]
        self.assertEqual(sum(layer["parameters"] for layer in layers), figures["parameters"])
        self.assertEqual(sum(layer["multiply_adds"] for layer in layers), figures["multiply_adds"])
        self.assertEqual(layers[0], {"name": "stem.conv", "kind": "conv 3x3", "output": [32, 64, 300], "parameters": 32 * 9 + 32,
                                     "multiply_adds": 32 * 9 * 64 * 300})
        self.assertEqual((layers[-1]["name"], layers[-1]["output"]), ("fc", [256]))
        names = [layer["name"] for layer in layers]
        self.assertEqual(len(set(names)), len(names))
        self.assertEqual(len([name for name in names if name.endswith(".k1")]), 3 + 3 + 9 + 3)

    def test_more_frames_cost_more_and_weigh_nothing(self):
        short, long = self.figures("--frames", "200"), self.figures("--frames", "400")
        self.assertEqual(short["parameters"], long["parameters"])
        self.assertAlmostEqual(long["multiply_adds"] / short["multiply_adds"], 2, delta=0.01)

    def test_table(self):
        lines = self.model("--fbank.num_mel_bins", "80").stdout.splitlines()
        self.assertEqual(lines[0].split(), ["layer", "kind", "output", "parameters", "multiply-adds"])
        self.assertEqual(lines[1].split(), ["stem.conv", "conv", "3x3", "32", "x", "80", "x", "200", "320", "4608000"])
        self.assertEqual(lines[-1].split()[:-1], ["total,", "80", "mel", "bins,", "200", "frames", "7874784"])
        self.assertEqual(len({len(line) for line in lines}), 1, "columns are aligned")


class Switches(ModelTest):
    def test_ablations(self):
        """Parameters of the paper's variants, from the layers that each takes away or adds."""
        paper = 7_481_056
        pooled = 256 * 8  # channels x rows of the last stage
        for arguments, parameters in (
                (["--model.identity", "false"], paper),
                (["--model.block_pooling", "max"], paper),
                (["--model.block_pooling", "none"], paper),
                (["--model.pooling", "stats"], paper - (pooled * 128 + 128) - (128 * pooled + pooled)),
                (["--model.pooling_hidden", "64"], paper - 64 * (2 * pooled + 1)),
                (["--model.embedding_dim", "192"], paper - 64 * (2 * pooled + 1)),
                # k1 of a block with h = C/2: 9 (h/4)^2 weights become 9 h^2
                (["--model.pconv_ratio", "1"],
                 paper + sum(blocks * 9 * (h * h - (h // 4) ** 2) for blocks, h in ((3, 16), (3, 32), (9, 64), (3, 128))))):
            with self.subTest(arguments):
                self.assertEqual(self.parameters(*arguments), parameters)

    def test_no_pooling_costs_more(self):
        # k2 of each stage then works on all of its bins x frames, not on every fourth of both
        stages = ((3, 16, 64 * 200, 16 * 50), (3, 32, 32 * 100, 8 * 25), (9, 64, 16 * 50, 4 * 13), (3, 128, 8 * 25, 2 * 7))
        more = sum(blocks * 9 * h * h * (whole - pooled) for blocks, h, whole, pooled in stages)
        self.assertEqual(self.figures("--model.block_pooling", "none")["multiply_adds"], self.figures()["multiply_adds"] + more)

    def test_widths_and_depths(self):
        self.assertLess(self.parameters("--model.channels", "16"), 7_481_056 / 2)
        names = [layer["name"] for layer in self.figures("--model.blocks", "1,1,2,1")["layers"]]
        blocks = [name[:-3] for name in names if name.endswith(".k1")]
        self.assertEqual(blocks, ["stages.0.0", "stages.1.0", "stages.2.0", "stages.2.1", "stages.3.0"])

    def test_config_file_and_flag_agree(self):
        self.write("a.conf", "[model]\nchannels = 16\nembedding_dim = 64\n[fbank]\nnum_mel_bins = 80\n")
        self.write("b.conf", "[model]\nembedding_dim = 128\n")
        flags = self.figures("--model.channels", "16", "--model.embedding_dim", "192", "--fbank.num_mel_bins", "80")
        # flag > later file > earlier file > default
        self.assertEqual(self.figures("--config", "a.conf", "--config", "b.conf", "--model.embedding_dim", "192"), flags)
        self.assertEqual(self.figures("--config", "a.conf", "--config", "b.conf")["embedding_dim"], 128)

    def test_configs_of_the_project(self):
        for name in ("vox1_supervised", "vox2_supervised"):
            self.assertEqual(self.parameters("--config", f"{support.ROOT}/configs/{name}.conf"), 7_481_056)
        for name in ("demo", "vox2_dino"):
            with self.subTest(name):
                self.assertGreater(self.parameters("--config", f"{support.ROOT}/configs/{name}.conf"), 100_000)


class WrongUsage(ModelTest):
    def test_ends_with_2_and_says_what_to_do(self):
        for arguments, message in (
                (["--model.channels", "12"], "model.channels = 12, must be a positive multiple of 8"),
                (["--model.blocks", "3,3,9"], "model.blocks = 3,3,9, must be four numbers with commas"),
                (["--model.block_pooling", "sum"], "must be avg, max or none"),
                (["--model.pconv_ratio", "0"], "must be in (0, 1]"),
                (["--model.pooling", "mean"], "must be asp or stats"),
                (["--frames", "7"], "at least 8 frames"),
                (["--model.chanels", "8"], "unrecognised option '--model.chanels'; --help lists every option and key")):
            with self.subTest(arguments):
                self.model(*arguments, expect=2, err=["error: ", message])


if __name__ == "__main__":
    unittest.main()
