#!/usr/bin/env python3
"""Compares single kernels of normlab with PyTorch's on the same machine, in alternating rounds.

Usage: python kernel_compare.py norms [--rounds 5] [--threads 2] [--seconds 0.5]
       python kernel_compare.py convolutions [--models resnet18] [--filter 3x3] [--batch-size 128] [--rounds 5] [--threads 2]

`norms`: exact l1 and linf norms of one convolution on 32x32 images. PyTorch computes them as the paper's code does (absolute values, sum over one axis
of channels, sum over the taps, maximum) and as one fused norm over three axes; the faster of the two counts.
`convolutions`: forward, input gradient (dx) and weight gradient (dw) of the networks' convolutions. PyTorch runs channels last, one call to
`convolution_backward` for each gradient, with its weights arranged as it wants them; normlab arranges them in every call.

Medians of milliseconds over the rounds, and the ratio PyTorch / normlab: above 1, normlab is faster. With --threads 1 and 2 the limits differ.
"""

import argparse
import json
import shlex
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def normlab(options, *arguments):
    """The JSON document of a normlab command."""
    command = [*shlex.split(options.launcher), *shlex.split(options.normlab), *arguments, "--threads", str(options.threads), "--json", "-", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{shlex.join(command)}\nexit code {done.returncode}\n{done.stderr[-4000:]}")
    return json.loads(done.stdout[done.stdout.index("{"):])


def median_millis(work, seconds):
    """The median of single calls during `seconds`, after a few to warm up."""
    for _ in range(3):
        work()
    times, end = [], time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def torch_norms(name, seconds):
    """(l1, linf) in milliseconds for a size such as `3x3 256->512`."""
    import torch

    kernel, channels = name.split()
    k, (c, o) = int(kernel.split("x")[0]), map(int, channels.split("->"))
    weight = torch.randn(o, c, k, k)
    results = []
    for axis in (0, 1):
        others = tuple(d for d in range(4) if d != 1 - axis)
        with torch.no_grad():
            ways = (lambda: weight.abs().sum(axis).flatten(1).sum(1).max().item(),
                    lambda: torch.linalg.vector_norm(weight, 1, dim=others).max().item())
            results.append(min(median_millis(way, seconds / 4) for way in ways))
    return results


def compare_norms(options):
    ours, theirs = {}, {}
    for _ in range(options.rounds):
        for row in normlab(options, "bench", "norms", "--seconds", str(options.seconds))["norms"]:
            if row["weights_in"] == "cache":
                ours.setdefault(row["convolution"], []).append(row)
        for name in ours:
            theirs.setdefault(name, []).append(torch_norms(name, options.seconds))
    print(f"norms, {options.threads} threads, weights in the cache, medians of {options.rounds} rounds, ms")
    print(f"{'convolution':14} {'read':>8} {'l1':>8} {'/ read':>7} {'PyTorch':>8} {'ratio':>6} {'linf':>8} {'/ read':>7} {'PyTorch':>8} {'ratio':>6}")
    for name, rows in ours.items():
        line = f"{name:14} {statistics.median(row['read_ms'] for row in rows):8.4f}"
        for i, norm in enumerate(("l1", "linf")):
            mine = statistics.median(row[f"{norm}_ms"] for row in rows)
            other = statistics.median(pair[i] for pair in theirs[name])
            line += f" {mine:8.4f} {statistics.median(row[f'{norm}_ratio'] for row in rows):7.2f} {other:8.4f} {other / mine:6.2f}"
        print(line)


def torch_convolution(opcode, s, seconds):
    """Milliseconds of one kernel of a convolution."""
    import torch

    layout = torch.channels_last
    x = torch.randn(s["n"], s["c"], s["h"], s["w"]).to(memory_format=layout)
    weight = torch.randn(s["o"], s["c"] // s["groups"], s["kh"], s["kw"]).to(memory_format=layout)
    stride, padding, dilation = [s["stride_h"], s["stride_w"]], [s["pad_top"], s["pad_left"]], [s["dilation_h"], s["dilation_w"]]
    with torch.no_grad():
        d_out = torch.randn_like(torch.conv2d(x, weight, None, stride, padding, dilation, s["groups"]))

        def forward():
            return torch.conv2d(x, weight, None, stride, padding, dilation, s["groups"])

        def backward():
            wanted = [opcode == "CONV2D_BACKWARD_INPUT", opcode == "CONV2D_BACKWARD_WEIGHT", False]
            return torch.ops.aten.convolution_backward(d_out, x, weight, None, stride, padding, dilation, False, [0, 0], s["groups"], wanted)

        return median_millis(forward if opcode == "CONV2D" else backward, seconds)


# Fused ones (inference) have no counterpart in a single call.
CONVOLUTIONS = ("CONV2D", "CONV2D_BACKWARD_INPUT", "CONV2D_BACKWARD_WEIGHT")


def compare_convolutions(options):
    ours, theirs = {}, {}
    for _ in range(options.rounds):
        document = normlab(options, "bench", "kernels", "--models", options.models, "--filter", options.filter or "conv",
                           "--batch-size", str(options.batch_size), "--rounds", "5")
        kernels = [kernel for kernel in document["kernels"] if kernel["opcode"] in CONVOLUTIONS]
        for kernel in kernels:
            ours.setdefault(kernel["name"], []).append(kernel["ms"])
        for kernel in kernels:
            theirs.setdefault(kernel["name"], []).append(torch_convolution(kernel["opcode"], kernel["sizes"], options.seconds))
    print(f"convolutions, batch {options.batch_size}, {options.threads} threads, medians of {options.rounds} rounds, ms")
    width = max(map(len, ours))
    print(f"{'':{width}} {'normlab':>9} {'PyTorch':>9} {'ratio':>6}")
    for name, times in ours.items():
        mine, other = statistics.median(times), statistics.median(theirs[name])
        print(f"{name:{width}} {mine:9.3f} {other:9.3f} {other / mine:6.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("norms", "convolutions"))
    parser.add_argument("--models", default="resnet18")
    parser.add_argument("--filter", default="", help="only kernels whose names contain this text")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--normlab", default=str(HERE.parents[1] / "normlab"), help="the command that starts normlab")
    parser.add_argument("--launcher", default="", help="a command that normlab is run with")
    options = parser.parse_args()
    import torch

    torch.set_num_threads(options.threads)
    (compare_norms if options.what == "norms" else compare_convolutions)(options)


if __name__ == "__main__":
    main()
