"""SCNN in PyTorch, written from the paper's description and not from the Rust source.

Schlüter & Grill, "Exploring Data Augmentation for Improved Singing Voice Detection with Neural
Networks" (ISMIR 2015), with batch normalisation between each layer and its rectifier, as in the
code that its authors published later. Names of parameters are those of the checkpoint files.
"""
from __future__ import annotations

from torch import Tensor, nn
import torch

LEAK = 0.01
BATCH_NORM_EPS = 1e-5


class Convolution(nn.Module):
    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=BATCH_NORM_EPS)
        self.rectifier = nn.LeakyReLU(LEAK)

    def forward(self, x: Tensor) -> Tensor:
        return self.rectifier(self.norm(self.conv(x)))


class Dense(nn.Module):
    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.dropout = nn.Dropout(0.5)
        self.linear = nn.Linear(inputs, outputs, bias=False)
        self.norm = nn.BatchNorm1d(outputs, eps=BATCH_NORM_EPS)
        self.rectifier = nn.LeakyReLU(LEAK)

    def forward(self, x: Tensor) -> Tensor:
        return self.rectifier(self.norm(self.linear(self.dropout(x))))


class Scnn(nn.Module):
    """N × 115 frames × 80 bands of log-mel to N × horizons × (no voice, voice) logits."""

    def __init__(self, horizons: int, bands: int = 80):
        super().__init__()
        self.horizons = horizons
        self.register_buffer("mean", torch.zeros(bands))
        self.register_buffer("std", torch.ones(bands))
        self.convolutions = nn.ModuleList(
            [Convolution(1, 64), Convolution(64, 32), Convolution(32, 128), Convolution(128, 64)]
        )
        self.pool = nn.MaxPool2d(3)
        self.dense = nn.ModuleList([Dense(64 * 11 * 7, 256), Dense(256, 64)])
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(64, 2 * horizons)

    def forward(self, log_mel: Tensor) -> Tensor:
        x = ((log_mel - self.mean) / self.std).unsqueeze(1)
        x = self.pool(self.convolutions[1](self.convolutions[0](x)))
        x = self.pool(self.convolutions[3](self.convolutions[2](x)))
        x = x.reshape(len(x), -1)
        for dense in self.dense:
            x = dense(x)
        return self.head(self.dropout(x)).view(-1, self.horizons, 2)

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint file holds."""
        return {k: v for k, v in self.state_dict().items() if not k.endswith("num_batches_tracked")}


if __name__ == "__main__":
    print(f"{sum(p.numel() for p in Scnn(1).parameters())} parameters with one horizon")
