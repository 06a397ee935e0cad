#!/usr/bin/env python3
"""Compares the logits of all models in eval mode with PyTorch's, on exchanged weights at full width.

Usage: python logits.py --reference REFERENCE_FOLDER [--normlab ./normlab] [--models vgg11,wrn28-10,..] [--images 8] [--seed 1] [--work FOLDER]

For each model PyTorch draws weights; batch norms get random weights and biases, and running statistics that are those of a batch, changed at
random by up to a quarter, so that no layer is trivial and signals neither vanish nor explode. Then `normlab evaluate` computes the logits of
random images, which are judged against float64: a model passes if the largest difference is at most 1e-4, times the largest logit where that
exceeds 1. Printed beside it: what PyTorch's own float32 differs by, and how much the logits vary between images (a network whose logits
ignore its input would prove nothing; below 1e-3 it fails). Exit status 1 if a model fails.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import nn

import networks
import tensorfile
import zoo

TOLERANCE = 1e-4
LEAST_VARIATION = 1e-3


def images(count, seed):
    """Random images with coarse and fine structure, float32 [count, 3, 32, 32] in [0, 1]."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 4, 4, generator=generator)
    fine = torch.rand(count, 3, 32, 32, generator=generator)
    return 0.7 * nn.functional.interpolate(coarse, size=32, mode="bilinear") + 0.3 * fine


def prepared(name, reference, seed):
    """A network with weights and batch norms that are anything but trivial, in eval mode."""
    torch.manual_seed(seed)
    network = zoo.make(name, reference)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        nn.init.uniform_(norm.weight, 0.8, 1.2)
        nn.init.normal_(norm.bias, std=0.1)
        norm.momentum = 1.0
    with torch.no_grad():
        network.train()(images(16, seed + 1))
        for norm in norms:
            norm.running_mean += 0.1 * norm.running_var.sqrt() * torch.randn_like(norm.running_mean)
            norm.running_var *= torch.empty_like(norm.running_var).uniform_(0.8, 1.25)
    return network.eval()


def evaluated(name, weights, data, out, options):
    """What normlab computes."""
    command = [options.normlab, "evaluate", "--model", name, "--data", f"npz:{data}", "--weights", str(weights), "--save", str(out), "--quiet",
               "--threads", str(options.threads), "--device", options.device]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\nexit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    with np.load(out) as file:
        return file["logits"]


def check(name, options, folder):
    """Prints a line; returns whether the model passed."""
    folder.mkdir(parents=True, exist_ok=True)
    x = images(options.images, options.seed + 2)
    np.savez(folder / "images.npz", x=x.numpy(), y=np.arange(options.images, dtype=np.int32) % 10, classes=np.int32(10))
    network = prepared(name, options.reference, options.seed)
    tensorfile.write(folder / "weights.safetensors", networks.state_arrays(network))
    with torch.no_grad():
        own = network(x).double()
        exact = network.double()(x.double())
    del network
    ours = evaluated(name, folder / "weights.safetensors", folder / "images.npz", folder / "logits.npz", options)
    (folder / "weights.safetensors").unlink()
    largest, variation = exact.abs().max().item(), exact.std(0).mean().item()
    error, torch_error = np.abs(ours - exact.numpy()).max(), (own - exact).abs().max().item()
    passed = bool(error <= TOLERANCE * max(1.0, largest)) and variation >= LEAST_VARIATION
    print(f"| `{name}` | {largest:.3g} | {variation:.2g} | {error:.1e} | {torch_error:.1e} | {'pass' if passed else 'FAIL'} |", flush=True)
    return passed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", required=True)
    parser.add_argument("--normlab", default=str(Path(__file__).resolve().parents[2] / "normlab"))
    parser.add_argument("--models", default=",".join(zoo.NAMES))
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--work")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print("| Model | largest logit | variation between images | largest error | PyTorch float32's | |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(options.work or scratch).resolve()
        verdicts = [check(name, options, work / name) for name in options.models.split(",")]
    print(f"{sum(verdicts)} of {len(verdicts)} models pass")
    sys.exit(0 if all(verdicts) else 1)


if __name__ == "__main__":
    main()
