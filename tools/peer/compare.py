#!/usr/bin/env python3
"""Compares the speed and the memory of `normlab bench step` with PyTorch's on the same machine.

Usage: python compare.py [--models vgg11,resnet18,senet18,regnetx200mf] [--rounds 5] [--seconds 6] [--threads 2] [--batch-size 128]
                         [--contestants exact,fast,default,tuned] [--normlab ./normlab] [--launcher COMMAND] [--json FILE]

Contestants: `exact` and `fast` are normlab with `--conv exact` and `--conv fast` (just `normlab` where it has no such option), `default` is PyTorch as it
comes, `tuned` PyTorch with channels-last memory and malloc settings. On a GPU: `own`, `cublas` and `tf32` are normlab with `--device gpu` and this
`--gpu-math`, `torch-cuda` and `torch-tf32` PyTorch with channels-last memory in float32 and with TF32 (`tf32` is compared with the latter). There normlab's step sends its batch to the GPU and reads the loss, while PyTorch's images lie on
the GPU from the start; memory is not compared. Every measurement is a process of its own. A round runs every contestant once on
every model, in alternating order, so that a machine that slows down hits all of them. The tables give medians over the rounds, and in brackets the ratio
to the better PyTorch: above 1 is faster (training, inference) or larger (memory, the peak of the process until the end of training).

--seconds is the time to measure training; inference takes half as long; starting and warming up come on top (3 to 8 s). All four models, five rounds and
four contestants take about half an hour with --seconds 6; `--rounds 1 --seconds 1 --models vgg11,resnet18` about three minutes. Run it on a machine that
does nothing else. --launcher puts a command before every measurement, for example "taskset -c 0,1".
"""

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
MEBIBYTE = 1 << 20
# What a table shows: title, key in the documents, factor, format, and whether more is better.
QUANTITIES = (
    ("training, images/s", "train_images_per_second", 1, "{:.1f}"),
    ("inference, images/s", "infer_images_per_second", 1, "{:.1f}"),
    ("peak memory, MiB", "train_peak_resident_bytes", 1 / MEBIBYTE, "{:.0f}"),
)
PYTORCH = ("default", "tuned", "torch-cuda", "torch-tf32")
GPU = ("own", "cublas", "tf32", "torch-cuda", "torch-tf32")


def peers(name):
    """The contestants with which one of ours is compared."""
    if name == "tf32":
        return ("torch-tf32",)
    return ("torch-cuda",) if name in ("own", "cublas") else ("default", "tuned")


def last_json(command):
    """Runs a command and returns the JSON document that it prints."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{shlex.join(command)}\nexit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    text = done.stdout.strip()
    return json.loads(text[text.index("{"):])


def has_modes(normlab):
    """Whether this normlab lets one choose the algorithm of convolutions."""
    shown = subprocess.run([*normlab, "bench", "step", "--help"], capture_output=True, text=True)
    return "--conv" in shown.stdout


def commands(options):
    """contestant -> function from a model to its command."""
    common = ["--batch-size", str(options.batch_size), "--threads", str(options.threads), "--seconds", str(options.seconds)]
    launcher, normlab = shlex.split(options.launcher), shlex.split(options.normlab)
    ours = [*launcher, *normlab, "bench", "step", *common, "--json", "-", "--quiet", "--model"]
    torch = [*launcher, sys.executable, str(HERE / "bench_torch.py"), *common]
    known = {
        "default": lambda model: [*torch, model],
        "tuned": lambda model: [*torch, model, "--tuned"],
        "torch-cuda": lambda model: [*torch, model, "--tuned", "--device", "cuda"],
        "torch-tf32": lambda model: [*torch, model, "--tuned", "--device", "cuda", "--tf32"],
    } | {math: (lambda model, math=math: [*ours, model, "--device", "gpu", "--gpu-math", math]) for math in GPU[:3]}
    if has_modes(normlab):
        known |= {mode: (lambda model, mode=mode: [*ours, model, "--conv", mode]) for mode in ("exact", "fast")}
    else:
        known |= {"normlab": lambda model: [*ours, model]}
    wanted = options.contestants.split(",")
    chosen = {name: known[name] for name in wanted if name in known}
    if "normlab" in known and {"exact", "fast"} & set(wanted):
        chosen = {"normlab": known["normlab"]} | chosen
    missing = [name for name in wanted if name not in known and not (name in ("exact", "fast") and "normlab" in known)]
    if missing:
        sys.exit(f"unknown contestants {missing}; known: {sorted(known)}")
    return chosen


def measure(options):
    """model -> contestant -> list of documents, one for each round."""
    contestants, models = commands(options), options.models.split(",")
    seen = {model: {name: [] for name in contestants} for model in models}
    start = time.time()
    for turn in range(options.rounds):
        for model in models:
            for name in contestants if turn % 2 == 0 else reversed(contestants):
                seen[model][name].append(last_json(contestants[name](model)))
                print(f"{time.time() - start:6.0f} s  round {turn + 1}  {model:14} {name:8} training {seen[model][name][-1][QUANTITIES[0][1]]:8.1f}  "
                      f"inference {seen[model][name][-1][QUANTITIES[1][1]]:8.1f}  load {os.getloadavg()[0]:.2f}", file=sys.stderr, flush=True)
    return seen


def median(documents, key):
    values = [document[key] for document in documents if document.get(key) is not None]
    return statistics.median(values) if values else None


def table(seen, quantity):
    """The lines of one table: a row for each model, a column for each contestant."""
    title, key, factor, form = quantity
    names = list(next(iter(seen.values())))
    lines = [f"{title:22}" + "".join(f"{name:>20}" for name in names)]
    for model, runs in seen.items():
        medians = {name: median(documents, key) for name, documents in runs.items()}
        line = f"{model:22}"
        for name in names:
            value = medians[name]
            others = [medians[peer] for peer in peers(name) if medians.get(peer)]
            best = (min if "peak" in key else max)(others) if others else None
            text = "-" if value is None else form.format(value * factor)
            if value is not None and best and name not in PYTORCH:
                text += f" ({value / best:.2f})"
            line += f"{text:>20}"
        lines.append(line)
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="vgg11,resnet18,senet18,regnetx200mf")
    parser.add_argument("--contestants", default="exact,fast,default,tuned")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--normlab", default=str(HERE.parents[1] / "normlab"), help="the command that starts normlab")
    parser.add_argument("--launcher", default="", help="a command that every measurement is run with")
    parser.add_argument("--json", help="write all measurements to this file")
    options = parser.parse_args()
    seen = measure(options)
    if options.json:
        Path(options.json).write_text(json.dumps(seen, indent=1) + "\n")
    print(f"batch {options.batch_size}, {options.threads} threads, medians of {options.rounds} alternating rounds")
    on_gpu = any(name in GPU for name in next(iter(seen.values())))
    for quantity in QUANTITIES[:2] if on_gpu else QUANTITIES:
        print("\n".join(table(seen, quantity)))


if __name__ == "__main__":
    main()
