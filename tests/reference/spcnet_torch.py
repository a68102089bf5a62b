"""SpcNet in PyTorch: reads a checkpoint of this program, and is the reference for its own network.

    from spcnet_torch import load_checkpoint
    net = load_checkpoint("run/checkpoints/last.h5")          # the teacher, in evaluation mode
    embeddings = net(torch.from_numpy(feats))                 # [B, T, F] -> [B, E]

Features: log-mel energies, mean over time subtracted. Needs torch and h5py. The module names are
those of the checkpoint, with "." for "/". Source: Zhang, Wu, Liu, "SpcNet: Speaker Validation Model
Based on Self-Calibrated Convolution", PMLR 245:16-24, 2024.
"""

import configparser

import torch
from torch import nn
from torch.nn import functional

PAPER = dict(channels=32, blocks="3,3,9,3", reduction=4, block_pooling="avg", identity=True,
             pconv_ratio=0.25, pooling="asp", pooling_hidden=128, embedding_dim=256)


class ConvBn(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return self.bn(self.conv(x))


class SpcBlock(nn.Module):
    def __init__(self, channels, config):
        super().__init__()
        half = channels // 2
        self.partial = max(1, int(config["pconv_ratio"] * half + 0.5))
        self.r, self.pooling = config["reduction"], config["block_pooling"]
        self.identity = config["identity"]
        self.k1 = nn.Conv2d(self.partial, self.partial, 3, padding=1, bias=False)
        self.k2, self.k3, self.k4 = ConvBn(half, half), ConvBn(half, half), ConvBn(half, half)
        self.bn = nn.BatchNorm2d(channels)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.bn_out = nn.BatchNorm2d(channels)

    def reduced(self, x):
        if self.pooling == "none":
            return x
        pool = functional.max_pool2d if self.pooling == "max" else functional.avg_pool2d
        return pool(x, self.r, ceil_mode=True)

    def forward(self, x):
        x1, x2 = x.chunk(2, dim=1)
        up = functional.interpolate(self.k2(self.reduced(x1)), size=x1.shape[2:], mode="nearest")
        y1 = self.k4(self.k3(x1) * torch.sigmoid(x1 + up if self.identity else up))
        y2 = torch.cat([self.k1(x2[:, :self.partial]), x2[:, self.partial:]], dim=1)
        y = torch.relu(self.bn(torch.cat([y1, y2], dim=1)))
        return x + self.bn_out(self.conv(y))


class Pool(nn.Module):
    """Mean and standard deviation over time, weighted by attention where there is one."""

    def __init__(self, features, config):
        super().__init__()
        self.attentive = config["pooling"] == "asp"
        if self.attentive:
            self.w1 = nn.Linear(features, config["pooling_hidden"])
            self.w2 = nn.Linear(config["pooling_hidden"], features)

    def forward(self, x):  # [B, T, D]
        logits = self.w2(torch.tanh(self.w1(x))) if self.attentive else torch.zeros_like(x)
        a = torch.softmax(logits, dim=1)
        mean = (a * x).sum(1)
        var = (a * x * x).sum(1) - mean * mean
        return torch.cat([mean, var.clamp(min=1e-5).sqrt()], dim=1)


class SpcNet(nn.Module):
    def __init__(self, num_mel_bins, **changes):
        super().__init__()
        config = {**PAPER, **changes}
        c = config["channels"]
        self.stem = ConvBn(1, c)
        self.stages, self.down = nn.ModuleList(), nn.ModuleList()
        for stage, count in enumerate(int(n) for n in config["blocks"].split(",")):
            if stage > 0:
                self.down.append(nn.ModuleDict(dict(bn=nn.BatchNorm2d(c), conv=nn.Conv2d(c, 2 * c, 2, 2))))
                c *= 2
            self.stages.append(nn.ModuleList(SpcBlock(c, config) for _ in range(count)))
        features = c * (num_mel_bins // 8)
        self.pool = Pool(features, config)
        self.fc = nn.Linear(2 * features, config["embedding_dim"])

    def forward(self, feats):  # [B, T, F]
        x = torch.relu(self.stem(feats.transpose(1, 2).unsqueeze(1)))  # [B, C, F, T]
        for stage, blocks in enumerate(self.stages):
            if stage > 0:
                x = self.down[stage - 1]["conv"](self.down[stage - 1]["bn"](x))
            for block in blocks:
                x = block(x)
        return self.fc(self.pool(x.flatten(1, 2).transpose(1, 2)))


def read_config(text):
    ini = configparser.ConfigParser(interpolation=None)
    ini.read_string(text)
    return {key: value == "true" if isinstance(PAPER[key], bool) else type(PAPER[key])(value)
            for key, value in (ini["model"] if "model" in ini else {}).items()}


def load_checkpoint(path, network="teacher"):
    """The backbone of `network` ("teacher" or "student"), in evaluation mode."""
    import h5py
    with h5py.File(path) as file:
        net, weights = SpcNet(int(file.attrs["num_mel_bins"]), **read_config(file.attrs["config"])), {}
        for name in net.state_dict():
            if not name.endswith("num_batches_tracked"):  # PyTorch's own, without a use here
                weights[name] = torch.from_numpy(file[f"{network}/backbone/{name.replace('.', '/')}"][()])
    net.load_state_dict(weights, strict=False)
    return net.eval()
