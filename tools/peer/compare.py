#!/usr/bin/env python3
"""Compares the speed of `normlab bench step` with PyTorch's on the same machine.

Usage: python compare.py [--models vgg11,resnet18,senet18,regnetx200mf] [--rounds 3] [--normlab ./normlab] [--threads 2] [--batch-size 128]
                         [--seconds 10] [--no-tuned]

Every round runs the programs one after the other, in alternating order, so that a machine that slows down hits all of them. The table
gives the median over the rounds and the ratio normlab / PyTorch. Run it on a machine that does nothing else.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
RATES = ("train_images_per_second", "infer_images_per_second")


def last_json(command):
    """Runs a command and returns the JSON document that it prints."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\nexit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    text = done.stdout.strip()
    return json.loads(text[text.index("{"):])


def contestants(model, options):
    """name -> command; normlab first."""
    common = ["--batch-size", str(options.batch_size), "--threads", str(options.threads)]
    torch = [sys.executable, str(HERE / "bench_torch.py"), model, *common, "--seconds", str(options.seconds)]
    commands = {"normlab": [options.normlab, "bench", "step", "--model", model, *common, "--json", "-", "--quiet"], "default": torch}
    if options.tuned:
        commands["tuned"] = [*torch, "--tuned"]
    return commands


def measure(model, options):
    """contestant -> rate -> median over the rounds."""
    commands = contestants(model, options)
    seen = {name: {rate: [] for rate in RATES} for name in commands}
    for turn in range(options.rounds):
        for name in commands if turn % 2 == 0 else reversed(commands):
            document = last_json(commands[name])
            for rate in RATES:
                seen[name][rate].append(document[rate])
    return {name: {rate: statistics.median(values) for rate, values in rates.items()} for name, rates in seen.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="vgg11,resnet18,senet18,regnetx200mf")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--normlab", default=str(HERE.parents[1] / "normlab"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--no-tuned", dest="tuned", action="store_false")
    options = parser.parse_args()
    print(f"images/s, batch {options.batch_size}, {options.threads} threads, median of {options.rounds} rounds; load average {os.getloadavg()[0]:.2f}")
    print(f"{'':14} {'':6} {'normlab':>9} {'default':>9} {'ratio':>6} {'tuned':>9} {'ratio':>6}")
    for model in options.models.split(","):
        medians = measure(model, options)
        for rate in RATES:
            ours = medians["normlab"][rate]
            line = f"{model:14} {rate.split('_')[0]:6} {ours:9.1f}"
            for name in ("default", "tuned"):
                if name in medians:
                    line += f" {medians[name][rate]:9.1f} {ours / medians[name][rate]:6.2f}"
            print(line, flush=True)


if __name__ == "__main__":
    main()
