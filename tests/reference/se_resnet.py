"""SE-ResNet in PyTorch, written from the paper's description and not from the Rust source.

Gui et al., "Singing Voice Detection Based on a Deeper Convolutional Neural Network" (2022):
ResNet v1 (the activation after the sum) with squeeze-and-excitation in every block. Names of
parameters are those of the checkpoint files.
"""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Depth: (bottleneck blocks?, blocks of each stage).
DEPTHS = {
    14: (False, [2, 2, 2]),
    18: (False, [2, 2, 2, 2]),
    34: (False, [3, 4, 6, 3]),
    50: (True, [3, 4, 6, 3]),
    101: (True, [3, 4, 23, 3]),
    152: (True, [3, 8, 36, 3]),
    200: (True, [3, 12, 48, 3]),
}
STAGE_CHANNELS = [64, 128, 256, 512]
BOTTLENECK_EXPANSION = 4
SE_REDUCTION = 16
BATCH_NORM_EPS = 1e-5


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)


def batch_norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=BATCH_NORM_EPS)


class SqueezeExcitation(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.reduce = nn.Linear(channels, channels // SE_REDUCTION)
        self.expand = nn.Linear(channels // SE_REDUCTION, channels)

    def forward(self, x: Tensor) -> Tensor:
        squeezed = x.mean(dim=(2, 3))
        gate = torch.sigmoid(self.expand(F.relu(self.reduce(squeezed))))
        return x * gate[:, :, None, None]


class Shortcut(nn.Module):
    """The projection for a block whose output has another shape than its input."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv = convolution(inputs, outputs, 1, stride)
        self.norm = batch_norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x))


class BasicBlock(nn.Module):
    def __init__(self, inputs: int, channels: int, stride: int):
        super().__init__()
        self.conv1 = convolution(inputs, channels, 3, stride)
        self.norm1 = batch_norm(channels)
        self.conv2 = convolution(channels, channels, 3)
        self.norm2 = batch_norm(channels)
        self.se = SqueezeExcitation(channels)
        changes = stride != 1 or inputs != channels
        self.down = Shortcut(inputs, channels, stride) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        return F.relu(self.se(y) + self.down(x))


class BottleneckBlock(nn.Module):
    def __init__(self, inputs: int, channels: int, stride: int):
        super().__init__()
        outputs = channels * BOTTLENECK_EXPANSION
        self.conv1 = convolution(inputs, channels, 1)
        self.norm1 = batch_norm(channels)
        self.conv2 = convolution(channels, channels, 3, stride)
        self.norm2 = batch_norm(channels)
        self.conv3 = convolution(channels, outputs, 1)
        self.norm3 = batch_norm(outputs)
        self.se = SqueezeExcitation(outputs)
        changes = stride != 1 or inputs != outputs
        self.down = Shortcut(inputs, outputs, stride) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        y = F.relu(self.norm2(self.conv2(y)))
        y = self.norm3(self.conv3(y))
        return F.relu(self.se(y) + self.down(x))


class Stem(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = convolution(1, 64, 7, stride=2)
        self.norm = batch_norm(64)

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool2d(F.relu(self.norm(self.conv(x))), kernel_size=3, stride=2, padding=1)


class SeResNet(nn.Module):
    """N × frames × bands of log-mel to N × horizons × (no voice, voice) logits."""

    def __init__(self, depth: int, horizons: int, bands: int = 80):
        super().__init__()
        is_bottleneck, blocks = DEPTHS[depth]
        block = BottleneckBlock if is_bottleneck else BasicBlock
        expansion = BOTTLENECK_EXPANSION if is_bottleneck else 1
        self.horizons = horizons
        self.register_buffer("mean", torch.zeros(bands))
        self.register_buffer("std", torch.ones(bands))
        self.stem = Stem()
        self.stages = nn.ModuleList()
        inputs = 64
        for stage, count in enumerate(blocks):
            channels = STAGE_CHANNELS[stage]
            members = nn.ModuleList()
            for index in range(count):
                stride = 2 if stage > 0 and index == 0 else 1
                members.append(block(inputs, channels, stride))
                inputs = channels * expansion
            self.stages.append(members)
        self.head = nn.Linear(inputs, 2 * horizons)

    def forward(self, log_mel: Tensor) -> Tensor:
        x = self.stem(((log_mel - self.mean) / self.std).unsqueeze(1))
        for stage in self.stages:
            for block in stage:
                x = block(x)
        return self.head(x.mean(dim=(2, 3))).view(-1, self.horizons, 2)

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint file holds."""
        return {k: v for k, v in self.state_dict().items() if not k.endswith("num_batches_tracked")}


def parameters(depth: int, horizons: int) -> int:
    return sum(p.numel() for p in SeResNet(depth, horizons).parameters())


if __name__ == "__main__":
    for depth in DEPTHS:
        print(f"depth {depth}: {parameters(depth, 1)} parameters with one horizon")
