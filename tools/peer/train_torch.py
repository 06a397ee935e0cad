#!/usr/bin/env python3
"""A short training in PyTorch, as a reference for the accuracy and the norms of `normlab train`.

Usage: python train_torch.py --data CIFAR_BINARY_FOLDER [--method plain|nd-l1] [--seed 1] [--epochs 15] [--lr 0.01] [--batch-size 128] [--threads 1]
                             [--model vgg11[:width=0.25]] [--save F.safetensors]

VGG11 (or --model) with PyTorch's default initialisation, SGD with momentum 0.9, random crop with padding 4 and horizontal flip, the last partial batch kept.
`nd-l1` adds the subgradient of every convolution's and linear layer's exact l1 norm (beta 1e-3, trace momentum 0.5) before the update.
Prints test accuracy and the sum of the l1 norms of convolutions and linear layers after every epoch. `--save` writes the trained weights with the names
that normlab reads.
"""

import argparse
import itertools
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "parity"))
import cifar
import networks
import tensorfile


def tap_sets(size, kernel, stride, padding):
    """Along one axis: for every input position, the taps that read it; only the sets that no other contains."""
    outputs = (size + 2 * padding - kernel) // stride + 1
    sets = set()
    for i in range(size):
        sets.add(frozenset(t for t in range(kernel) if (i + padding - t) % stride == 0 and 0 <= (i + padding - t) // stride < outputs))
    return [sorted(s) for s in sets if not any(s < other for other in sets)]


class ColumnNorm:
    """The l1 norm of one layer and the trace of its subgradient. Weights are [o, c, kh, kw] (one group) or [o, c]."""

    def __init__(self, module, size):
        self.weight = module.weight
        self.trace = torch.zeros_like(module.weight)
        if isinstance(module, nn.Conv2d):
            axes = [tap_sets(size[i], module.kernel_size[i], module.stride[i], module.padding[i]) for i in (0, 1)]
        else:
            axes = [[[0]], [[0]]]
        self.windows = list(itertools.product(*axes))
        self.shape = tuple(module.weight.shape) if isinstance(module, nn.Conv2d) else (*module.weight.shape, 1, 1)

    @torch.no_grad()
    def maximum(self):
        """(norm, channel, rows, columns) of the largest column of the layer's matrix."""
        table = self.weight.abs().sum(0).reshape(self.shape[1:])
        best = None
        for rows, columns in self.windows:
            sums = table[:, rows][:, :, columns].sum((1, 2))
            value, channel = sums.max(0)
            if best is None or value.item() > best[0]:
                best = (value.item(), channel.item(), rows, columns)
        return best

    @torch.no_grad()
    def decay(self, beta, momentum):
        """Adds beta times the trace to the gradient; returns the norm."""
        value, channel, rows, columns = self.maximum()
        self.trace *= momentum
        window = torch.zeros(self.shape, dtype=torch.bool)
        window[:, channel, torch.tensor(rows)[:, None], torch.tensor(columns)] = True
        window = window.reshape(self.weight.shape)
        self.trace[window] = self.weight[window].sign()
        self.weight.grad += beta * self.trace
        return value


def column_norms(network):
    """One ColumnNorm for every convolution and linear layer at input 3 x 32 x 32."""
    sizes, hooks = {}, []
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            hooks.append(module.register_forward_hook(lambda m, inputs, _: sizes.__setitem__(m, tuple(inputs[0].shape[2:]))))
    network.eval()
    with torch.no_grad():
        network(torch.zeros(1, 3, 32, 32))
    for hook in hooks:
        hook.remove()
    return [ColumnNorm(module, size) for module, size in sizes.items()]


def augment(images, generator):
    """A random 32 x 32 window of each image padded by 4, flipped with probability one half."""
    padded = F.pad(images, (4, 4, 4, 4))
    n = len(images)
    top, left = torch.randint(9, (n,), generator=generator), torch.randint(9, (n,), generator=generator)
    flip = torch.rand(n, generator=generator) < 0.5
    windows = [padded[i, :, top[i] : top[i] + 32, left[i] : left[i] + 32] for i in range(n)]
    return torch.stack([window.flip(2) if flip[i] else window for i, window in enumerate(windows)])


def accuracy(network, images, labels):
    network.eval()
    with torch.no_grad():
        hits = sum((network(x).argmax(1) == y).sum().item() for x, y in zip(images.split(128), labels.split(128)))
    return hits / len(labels)


def train(options):
    torch.manual_seed(options.seed)
    generator = torch.Generator().manual_seed(options.seed)
    images, labels = map(torch.from_numpy, cifar.records(options.data, "train"))
    test_images, test_labels = map(torch.from_numpy, cifar.records(options.data, "test"))
    network = networks.make(options.model)
    norms = column_norms(network)
    optimiser = torch.optim.SGD(network.parameters(), lr=options.lr, momentum=0.9)
    for epoch in range(1, options.epochs + 1):
        start, total = time.perf_counter(), 0.0
        network.train()
        for batch in torch.randperm(len(labels), generator=generator).split(options.batch_size):
            optimiser.zero_grad()
            loss = F.cross_entropy(network(augment(images[batch], generator)), labels[batch])
            loss.backward()
            if options.method == "nd-l1":
                for norm in norms:
                    norm.decay(1e-3, 0.5)
            optimiser.step()
            total += loss.item() * len(batch)
        test, l1 = accuracy(network, test_images, test_labels), sum(norm.maximum()[0] for norm in norms)
        print(f"{options.method} seed {options.seed} epoch {epoch}: loss {total / len(labels):.4f}, test accuracy {test:.4f}, l1 sum {l1:.3f}, "
              f"{time.perf_counter() - start:.0f} s", flush=True)
    if options.save:
        tensorfile.write(options.save, networks.state_arrays(network))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--model", default="vgg11")
    parser.add_argument("--method", choices=("plain", "nd-l1"), default="plain")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--save")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    train(options)


if __name__ == "__main__":
    main()
