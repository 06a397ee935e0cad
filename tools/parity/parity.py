#!/usr/bin/env python3
"""Runs the whole parity check: weights from PyTorch, one step of normlab from its command line, comparison.

Usage: python parity.py --data CIFAR_BINARY_FOLDER [--normlab ./normlab] [--work FOLDER] [--models vgg11,resnet18,..] [--device cpu] [--threads 2]
                        [--varied] [--seed 1] [--norms] [--limit 50] [--test-limit 200] [--reference REFERENCE_FOLDER]

Exit status 1 if a network fails. `--norms` also runs norms.py on the trained weights. With `--reference` every model of zoo.py may be named; random
masks would differ, so name `efficientnetb0:dropout=0`.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import compare
import gradients
import networks
import norms


def normlab(options, *arguments):
    """Runs one command; a failure ends the check with what the command said."""
    command = [options.normlab, *map(str, arguments), "--threads", str(options.threads), "--device", options.device, "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\nexit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")


def run(model, options, folder):
    """One network: makes the expected values, lets normlab take its step, compares."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in ("b.safetensors", "a.npz", "b.npz"):
        (folder / stale).unlink(missing_ok=True)
    gradients.make_expected(model, folder, options.data, options.limit, options.seed, options.test_limit, options.varied)
    data = f"cifar10:{options.data}"
    normlab(options, "train", "--model", model, "--data", data, "--limit", options.limit, "--batch-size", options.limit, "--epochs", 1,
            "--lr", 1, "--momentum", 0, "--weight-decay", 0, "--schedule", "constant", "--no-augment", "--no-shuffle", "--init", folder / "a.safetensors",
            "--save", folder / "b.safetensors", "--out", folder / "run")
    for name in ("a", "b"):
        normlab(options, "evaluate", "--model", model, "--data", data, "--limit", options.test_limit, "--weights", folder / f"{name}.safetensors",
                "--save", folder / f"{name}.npz")
    passed = compare.check(model, folder, options.data)
    if options.norms:
        passed &= norms.check(model, folder / "b.safetensors", options.normlab)
    return passed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--normlab", default=str(Path(__file__).resolve().parents[2] / "normlab"))
    parser.add_argument("--work")
    parser.add_argument("--models", default=",".join(networks.NAMES))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--varied", action="store_true")
    parser.add_argument("--norms", action="store_true")
    parser.add_argument("--limit", type=int, default=50)
    parser.add_argument("--test-limit", type=int, default=200)
    parser.add_argument("--reference")
    options = parser.parse_args()
    networks.use_reference(options.reference)
    options.data = str(Path(options.data).resolve())
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(options.work or scratch).resolve()
        verdicts = {model: run(model, options, work / model.replace(":", "_")) for model in options.models.split(",")}
    print(" ".join(f"{model}={'PASS' if passed else 'FAIL'}" for model, passed in verdicts.items()))
    sys.exit(0 if all(verdicts.values()) else 1)


if __name__ == "__main__":
    main()
