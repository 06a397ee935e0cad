#!/usr/bin/env python3
"""Writes what the tests of nn know of the reference's networks: names and shapes of all state dictionaries, and counts.

Usage: python make_zoo_lists.py REFERENCE_FOLDER ../../nn/src/test/resources/models

Writes zoo.txt.gz (a line `= MODEL`, then a line `NAME [sizes]` for each entry of its state dictionary in order, without num_batches_tracked) and
zoo-counts.txt (`MODEL PARAMETERS MULTIPLY_ADDS`, the latter those of convolutions and linear layers for one image of 3x32x32).
"""

import argparse
import gzip
import math
import sys
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "parity"))
import zoo  # noqa: E402


def multiply_adds(network):
    """Of one image in eval mode, counted where layers are called."""
    total = 0

    def count(module, inputs, output):
        nonlocal total
        taps = math.prod(module.weight.shape[1:])
        total += taps * output[0].numel()

    handles = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, 32, 32))
    for handle in handles:
        handle.remove()
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reference")
    parser.add_argument("out")
    options = parser.parse_args()
    torch.set_num_threads(1)
    lists, counts = [], []
    for name in zoo.NAMES:
        network = zoo.make(name, options.reference)
        lists.append(f"= {name}")
        for key, value in network.state_dict().items():
            if not key.endswith("num_batches_tracked"):
                lists.append(f"{key} [{', '.join(map(str, value.shape))}]")
        parameters = sum(parameter.numel() for parameter in network.parameters())
        counts.append(f"{name} {parameters} {multiply_adds(network)}")
        print(counts[-1], flush=True)
        del network
    out = Path(options.out)
    (out / "zoo-counts.txt").write_text("\n".join(counts) + "\n")
    with open(out / "zoo.txt.gz", "wb") as raw, gzip.GzipFile("", "wb", 9, raw, 0) as packed:
        packed.write(("\n".join(lists) + "\n").encode())


if __name__ == "__main__":
    main()
