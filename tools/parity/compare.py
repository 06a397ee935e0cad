#!/usr/bin/env python3
"""Compares one training step of normlab with PyTorch's, on the files of gradients.py.

Usage: python compare.py MODEL FOLDER --data CIFAR_BINARY_FOLDER [--all]

FOLDER holds a.safetensors and expected.npz from gradients.py, and from normlab
  b.safetensors  after `train --init a.safetensors --lr 1 --momentum 0 --weight-decay 0 --epochs 1 --limit 50 --batch-size 50 --no-augment
                 --no-shuffle --save b.safetensors`, so that a - b is the gradient,
  a.npz, b.npz   (optional) logits [n, k] of the test split: `evaluate --weights a.safetensors --save a.npz`, the same for b.

A gradient passes when the norm of its difference from PyTorch's float64 gradient is at most 3% of that gradient's norm, or 4 times the
difference that PyTorch's float32 gradient has, or 1e-6 of the largest gradient norm of the network. Batch-norm buffers: 1e-5 relative.
Logits, each judged against float64 on the very same weights: 1e-4, times the largest logit where that exceeds 1 (after a step with learning
rate 1 they reach 1e5, where float32 itself is 1e-2 off). Exit status 1 if anything fails.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

import cifar
import networks
import tensorfile
from gradients import eval_logits

GRADIENT, OWN_ERROR, TINY, BUFFER, LOGITS = 0.03, 4.0, 1e-6, 1e-5, 1e-4


def norm(array):
    return float(np.linalg.norm(np.asarray(array, np.float64)))


def compare_gradients(a, b, expected):
    """Rows (name, norm, error / norm, PyTorch float32's error / norm, rule that passed or FAIL)."""
    exact = {key[len("64/grad/"):]: expected[key] for key in expected.files if key.startswith("64/grad/")}
    largest = max(norm(gradient) for gradient in exact.values())
    rows = []
    for name, gradient in exact.items():
        ours = a[name].astype(np.float64) - b[name].astype(np.float64)
        error, size = norm(ours - gradient), norm(gradient)
        own = norm(expected[f"32/grad/{name}"].astype(np.float64) - gradient)
        if not np.isfinite(error):
            rule = "FAIL"
        elif error <= GRADIENT * size:
            rule = "3%"
        elif error <= TINY * largest:
            rule = "1e-6 of largest"
        elif error <= OWN_ERROR * own:
            rule = "4 x float32"
        else:
            rule = "FAIL"
        rows.append((name, size, error / max(size, 1e-300), own / max(size, 1e-300), rule))
    return rows


def compare_buffers(b, expected):
    """Rows (name, norm, relative error, PyTorch float32's, PASS or FAIL); relative in the norm of each buffer."""
    rows = []
    for key in expected.files:
        if key.startswith("64/buffer/"):
            name, exact = key[len("64/buffer/"):], expected[key]
            error = norm(b[name] - exact) / norm(exact)
            own = norm(expected[f"32/buffer/{name}"] - exact) / norm(exact)
            rows.append((name, norm(exact), error, own, "PASS" if error <= BUFFER else "FAIL"))
    return rows


def logits_in(path):
    """The logits [n, k] of an .npz file, under the name `logits` or as its only two-dimensional float array."""
    with np.load(path) as file:
        if "logits" in file.files:
            return file["logits"]
        candidates = [file[key] for key in file.files if file[key].ndim == 2 and file[key].dtype.kind == "f"]
    if len(candidates) != 1:
        raise SystemExit(f"{path}: expected one array of logits")
    return candidates[0]


def compare_logits(model, folder, data):
    """Rows (name, largest magnitude, largest absolute error, PyTorch float32's, PASS or FAIL)."""
    rows = []
    for name in ("a", "b"):
        path = folder / f"{name}.npz"
        if not path.exists():
            rows.append((f"{name}.npz", 0.0, float("nan"), float("nan"), "not there"))
            continue
        ours = logits_in(path)
        weights = tensorfile.read(folder / f"{name}.safetensors")
        images, _ = cifar.records(data, "test", len(ours))
        exact = eval_logits(model, weights, images, torch.float64)
        own = np.abs(eval_logits(model, weights, images, torch.float32) - exact).max()
        error = np.abs(ours - exact).max()
        largest = np.abs(exact).max()
        rows.append((f"eval logits of {name}", largest, error, own, "PASS" if error <= LOGITS * max(1.0, largest) else "FAIL"))
    return rows


def table(title, rows, columns, show_all):
    """Prints the worst rows, and every failing one."""
    print(f"  {title}")
    ranked = sorted(rows, key=lambda row: (row[-1] != "FAIL", row[-1] == "1e-6 of largest", -row[2]))
    shown = ranked if show_all else [row for i, row in enumerate(ranked) if i < 4 or row[-1] in ("FAIL", "not there")]
    print(f"    {'':44} {columns}")
    for name, size, error, own, verdict in shown:
        print(f"    {name:44} {size:10.3e} {error:10.2e} {own:10.2e}  {verdict}")


def check(model, folder, data, show_all=False):
    """Prints the comparison; returns whether everything passed."""
    folder = Path(folder)
    a, b = tensorfile.read(folder / "a.safetensors"), tensorfile.read(folder / "b.safetensors")
    networks.load(model, b)
    expected = np.load(folder / "expected.npz")
    gradients, buffers, logits = compare_gradients(a, b, expected), compare_buffers(b, expected), compare_logits(model, folder, data)
    print(f"{model}: loss {float(expected['64/loss']):.9f} (float64)")
    header = f"{'norm':>10} {'ours':>10} {'torch f32':>10}"
    table(f"{len(gradients)} gradients, relative error", gradients, header, show_all)
    table(f"{len(buffers)} batch-norm buffers, relative error", buffers, header, show_all)
    table("logits, largest absolute error", logits, f"{'largest':>10} {'ours':>10} {'torch f32':>10}", show_all)
    rules = {}
    for row in gradients:
        rules[row[-1]] = rules.get(row[-1], 0) + 1
    passed = all(row[-1] not in ("FAIL", "not there") for row in gradients + buffers + logits)
    print(f"  {model}: {'PASS' if passed else 'FAIL'} (gradients by rule: {rules})")
    return passed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("folder")
    parser.add_argument("--data", required=True)
    parser.add_argument("--all", action="store_true", help="print every row")
    parser.add_argument("--reference", help="a copy of the reference, for models beyond " + ", ".join(networks.NAMES))
    options = parser.parse_args()
    networks.use_reference(options.reference)
    sys.exit(0 if check(options.model, options.folder, options.data, options.all) else 1)


if __name__ == "__main__":
    main()
