#!/usr/bin/env python3
"""Checks `normlab norms` against brute force for every convolution, linear and batch-norm layer of a network.

Usage: python norms.py MODEL WEIGHTS.safetensors [--normlab ./normlab] [--dense]

The judge works on the layer's whole matrix M in float64: with absolute weights, M times a vector of ones gives every absolute row sum, and its
transpose times ones every absolute column sum (entries of M never share a position under zero padding). `--dense` checks that judge on small
layers against matrices built by independent double loops. A layer passes at 1e-5 relative; a layer that is missing, or one too many, fails.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import networks
import tensorfile

TOLERANCE = 1e-5


def convolution_norms(weight, size, stride, padding, dilation, groups):
    """(l1, linf) of a zero-padded convolution on an input [c, h, w] of the given size, weight float64."""
    channels = weight.shape[1] * groups
    ones = torch.ones(1, channels, *size, dtype=torch.float64, requires_grad=True)
    rows = F.conv2d(ones, weight.abs(), None, stride, padding, dilation, groups)
    columns = torch.autograd.grad(rows.sum(), ones)[0]
    return columns.max().item(), rows.max().item()


def dense_matrix(weight, size, stride, padding, dilation, groups):
    """The convolution's matrix [o*oh*ow, c*h*w], entry by entry."""
    o, c, kh, kw = weight.shape
    h, w = size
    oh = (h + 2 * padding[0] - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    ow = (w + 2 * padding[1] - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    matrix = np.zeros((o, oh, ow, c * groups, h, w))
    for io in range(o):
        group = io // (o // groups)
        for iy, ix in np.ndindex(oh, ow):
            for ic, t, u in np.ndindex(c, kh, kw):
                y, x = iy * stride[0] + t * dilation[0] - padding[0], ix * stride[1] + u * dilation[1] - padding[1]
                if 0 <= y < h and 0 <= x < w:
                    matrix[io, iy, ix, group * c + ic, y, x] += weight[io, ic, t, u]
    return matrix.reshape(o * oh * ow, c * groups * h * w)


def check_the_judge():
    """Compares convolution_norms with dense matrices on small random layers."""
    random = np.random.default_rng(7)
    checked = 0
    while checked < 60:
        groups = int(random.integers(1, 4))
        c, o = int(random.integers(1, 3)), groups * int(random.integers(1, 3))
        kernel, size, stride, dilation = (tuple(int(v) for v in random.integers(1, high, 2)) for high in (4, 7, 4, 3))
        padding = tuple(int(v) for v in random.integers(0, 3, 2))
        if any(size[i] + 2 * padding[i] < dilation[i] * (kernel[i] - 1) + 1 for i in (0, 1)):
            continue
        weight = random.standard_normal((o, c, *kernel))
        matrix = np.abs(dense_matrix(weight, size, stride, padding, dilation, groups))
        exact = matrix.sum(0).max(), matrix.sum(1).max()
        found = convolution_norms(torch.from_numpy(weight), size, stride, padding, dilation, groups)
        if not np.allclose(exact, found, rtol=1e-12, atol=1e-12):
            raise SystemExit(f"the judge is wrong for {weight.shape} on {size}: {found}, dense {exact}")
        checked += 1
    print(f"  the judge agrees with {checked} dense matrices")


def brute_force(model, arrays):
    """name -> (kind, l1, linf) for every layer at input 3 x 32 x 32."""
    network = networks.load(model, arrays, torch.float64).eval()
    sizes = {}
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda _, inputs, __, name=name: sizes.__setitem__(name, tuple(inputs[0].shape[2:])))
    layers = {}
    with torch.no_grad():
        network(torch.rand(1, 3, 32, 32, dtype=torch.float64))
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            layers[name] = ("conv", *convolution_norms(module.weight.detach(), sizes.get(name, (32, 32)), module.stride, module.padding, module.dilation, module.groups))
        elif isinstance(module, nn.Linear):
            magnitude = module.weight.detach().abs()
            layers[name] = ("linear", magnitude.sum(0).max().item(), magnitude.sum(1).max().item())
        elif isinstance(module, nn.BatchNorm2d):
            largest = (module.weight.detach().abs() / (module.running_var + module.eps).sqrt()).max().item()
            layers[name] = ("batchnorm", largest, largest)
    return layers


def check(model, weights, normlab):
    """Prints the worst layers and returns whether every layer of the network agrees."""
    command = [normlab, "norms", "--model", model, "--weights", str(weights), "--norm", "l1,linf", "--json", "-", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\nexit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    found = {layer["name"]: layer for layer in json.loads(done.stdout)["layers"]}
    exact = brute_force(model, tensorfile.read(weights))
    rows = []
    for name in exact.keys() | found.keys():
        if name not in found or name not in exact:
            rows.append((float("inf"), name, "missing" if name in exact else "not a layer of the network"))
            continue
        kind, *values = exact[name]
        error = max(abs(found[name][key] - value) / max(value, 1e-300) for key, value in zip(("l1", "linf"), values))
        rows.append((error if np.isfinite(error) else float("inf"), name, f"{kind}, exact l1 {values[0]:.8g} linf {values[1]:.8g}, "
                     f"found {found[name]['l1']:.8g} {found[name]['linf']:.8g}"))
    rows.sort(reverse=True)
    for error, name, text in [row for i, row in enumerate(rows) if i < 3 or row[0] > TOLERANCE]:
        print(f"    {name:36} {error:9.2e}  {text}")
    passed = rows[0][0] <= TOLERANCE
    print(f"  {model} norms: {'PASS' if passed else 'FAIL'} ({len(exact)} layers, worst relative error {rows[0][0]:.2e})")
    return passed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("weights")
    parser.add_argument("--normlab", default=str(Path(__file__).resolve().parents[2] / "normlab"))
    parser.add_argument("--dense", action="store_true")
    parser.add_argument("--reference", help="a copy of the reference, for models beyond " + ", ".join(networks.NAMES))
    options = parser.parse_args()
    networks.use_reference(options.reference)
    if options.dense:
        check_the_judge()
    sys.exit(0 if check(options.model, options.weights, options.normlab) else 1)


if __name__ == "__main__":
    main()
