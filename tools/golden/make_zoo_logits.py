#!/usr/bin/env python3
"""Writes the logits that the reference's networks compute from weights that a test can make again.

Usage: python make_zoo_logits.py REFERENCE_FOLDER ../../nn/src/test/resources/models/zoo-logits.txt

A line `MODEL LOGITS..` for each model: those of one image, then of another, in eval mode, computed in float64. Element i of the tensor `name` has
the random number u = hash(i, name) in [0, 1) (see `uniform`), and is, rounded to float32,
  images                      u
  weights of rank 2 and more  (2 u - 1) sqrt(6 / inputs of an output)
  weights of rank 1           0.8 + 0.4 u
  biases                      0.1 (2 u - 1)
  running means               0.2 (2 u - 1)
  running variances           0.5 + u
"""

import argparse
import math
import sys
import zlib
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "parity"))
import zoo  # noqa: E402

IMAGES = (2, 3, 32, 32)


def uniform(name, count):
    """Numbers in [0, 1) with 24 bits: a 32-bit finaliser (of MurmurHash3) of the element's number times an odd constant plus the name's CRC."""
    h = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B1) + np.uint32(zlib.crc32(name.encode()))
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return (h >> np.uint32(8)).astype(np.float64) / (1 << 24)


def values(name, shape):
    u = uniform(name, math.prod(shape))
    if name.endswith("running_var"):
        u = 0.5 + u
    elif name.endswith("running_mean"):
        u = 0.2 * (2 * u - 1)
    elif name.endswith("bias"):
        u = 0.1 * (2 * u - 1)
    elif len(shape) == 1:
        u = 0.8 + 0.4 * u
    elif name != "images":
        u = (2 * u - 1) * math.sqrt(6 / math.prod(shape[1:]))
    return torch.from_numpy(u.astype(np.float32).reshape(shape))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reference")
    parser.add_argument("out")
    options = parser.parse_args()
    torch.set_num_threads(1)
    lines = []
    for name in zoo.NAMES:
        network = zoo.make(name, options.reference).eval()
        state = {k: v if k.endswith("num_batches_tracked") else values(k, tuple(v.shape)) for k, v in network.state_dict().items()}
        network.load_state_dict(state)
        with torch.no_grad():
            logits = network.double()(values("images", IMAGES).double())
        lines.append(f"{name} " + " ".join(f"{value:.9g}" for value in logits.flatten().tolist()))
        print(lines[-1][:150], flush=True)
    Path(options.out).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
