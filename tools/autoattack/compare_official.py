#!/usr/bin/env python3
"""Compares `normlab attack` with the official AutoAttack on the same weights and images.

Usage: python compare_official.py official --code CHECKOUT --model vgg11 --weights F.safetensors --data CIFAR_BINARY_FOLDER --norm linf --eps 1/255
                                     --attacks apgd-ce,apgd-t|standard [--limit 200] [--threads 1] [--seed 0] --out RESULT.json
       python compare_official.py saved    --model vgg11 --weights F.safetensors SAVED.npz ... [--out RESULT.json]
       python compare_official.py table    FOLDER

`official` runs the code of a checkout of github.com/fra31/auto-attack (which is not part of this repository) and writes the robust accuracy after every
attack. A list of attacks runs as AutoAttack's `custom` version: apgd-ce with five restarts. `saved` lets PyTorch classify the images that
`normlab attack --save` wrote and compares with the predictions in the file, for the images whose two largest logits differ by more than 2e-4; it also
checks in double precision how far the images were moved. `table` makes the table of docs/autoattack-comparison.md from a folder with `official-NAME.json`,
`ours-NAME.json` (from `normlab attack --json`) and `saved-NAME.json`.
"""

import argparse
import hashlib
import json
import re
import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "parity"))
import cifar
import networks
import tensorfile

NORMS = {"linf": "Linf", "l2": "L2", "l1": "L1"}
CLOSE = 2e-4


def network(options):
    """The network in eval mode with the given weights."""
    return networks.load(options.model, tensorfile.read(options.weights)).eval()


def fraction(text):
    numerator, _, denominator = text.partition("/")
    return float(numerator) / float(denominator or 1)


class Lines:
    """Takes the place of AutoAttack's logger: keeps what it says."""

    def __init__(self):
        self.said = []

    def log(self, line):
        self.said.append(line)
        print(line, flush=True)


def official(options):
    sys.path.insert(0, options.code)
    from autoattack import AutoAttack

    torch.set_num_threads(options.threads)
    images, labels = map(torch.from_numpy, cifar.records(options.data, "test", options.limit))
    ensemble = options.attacks in ("standard", "plus", "rand")
    named = {"version": options.attacks} if ensemble else {"version": "custom", "attacks_to_run": options.attacks.split(",")}
    model = network(options).to(memory_format=torch.channels_last)
    attack = AutoAttack(model, norm=NORMS[options.norm], eps=fraction(options.eps), seed=options.seed, device="cpu", **named)
    lines = Lines()
    for part in (attack, attack.apgd, attack.apgd_targeted):
        part.logger = lines
    start = time.time()
    moved, predictions = attack.run_standard_evaluation(images, labels, bs=options.limit, return_labels=True)
    after = {}
    for line in lines.said:
        match = re.match(r"robust accuracy after ([A-Z-]+): ([\d.]+)%", line)
        if match:
            after[match[1].lower()] = float(match[2]) / 100
    result = {"norm": options.norm, "eps": fraction(options.eps), "attacks": options.attacks, "n": len(labels), "seed": options.seed,
              "weights_sha256": hashlib.sha256(Path(options.weights).read_bytes()).hexdigest(), "torch": torch.__version__,
              "clean_accuracy": float(next(re.search(r"([\d.]+)%", line)[1] for line in lines.said if line.startswith("initial accuracy"))) / 100,
              "robust_accuracy_after": after, "robust_accuracy": (predictions == labels).float().mean().item(),
              "robust": np.flatnonzero((predictions == labels).numpy()).tolist(),
              "largest_change": (moved - images).abs().max().item(), "seconds": round(time.time() - start, 1)}
    Path(options.out).write_text(json.dumps(result, indent=1) + "\n")


def distances(clean, moved):
    """Lengths of perturbations in all norms, in double precision."""
    delta = np.abs(moved.astype(np.float64) - clean.astype(np.float64)).reshape(len(clean), -1)
    return {"linf": delta.max(1), "l2": np.sqrt((delta**2).sum(1)), "l1": delta.sum(1)}


def saved(options):
    model, results = network(options), []
    for path in options.files:
        arrays = np.load(path)
        with torch.no_grad():
            logits = torch.cat([model(part) for part in torch.from_numpy(arrays["x_adv"]).split(128)])
        top = logits.topk(2, 1).values
        clear = ((top[:, 0] - top[:, 1]) > CLOSE).numpy()
        same = logits.argmax(1).numpy() == arrays["pred"]
        moved = arrays["x_adv"]
        results.append({"file": Path(path).name, "n": len(same), "clear": int(clear.sum()), "agree_where_clear": int((same & clear).sum()),
                        "agree": int(same.sum()), "robust_accuracy": float((arrays["pred"] == arrays["y"]).mean()),
                        "inside_the_box": bool((moved >= 0).all() and (moved <= 1).all()),
                        "longest": {norm: float(length.max()) for norm, length in distances(arrays["x"], moved).items()}})
    text = json.dumps(results, indent=1)
    print(text)
    if options.out:
        Path(options.out).write_text(text + "\n")
    if any(r["agree_where_clear"] < r["clear"] for r in results):
        sys.exit("PyTorch disagrees about images whose decision is clear")


def after_each(attacks):
    return ", ".join(f"{name} {100 * accuracy:.1f}" for name, accuracy in attacks)


def table(options):
    print("| Comparison | clean | official: after each attack | normlab: after each attack | normlab - official, points | PyTorch agrees, of clear images |")
    print("|---|---|---|---|---|---|")
    folder = Path(options.folder)
    for path in sorted(folder.glob("official-*.json")):
        name = path.stem.removeprefix("official-")
        ours, check = folder / f"ours-{name}.json", folder / f"saved-{name}.json"
        if not ours.exists() or not check.exists():
            print(f"{name}: incomplete", file=sys.stderr)
            continue
        theirs, mine, agreement = (json.loads(p.read_text()) for p in (path, ours, check))
        entry = mine["results"][0] if "results" in mine else mine
        difference = 100 * (entry["robust_accuracy"] - theirs["robust_accuracy"])
        print(f"| {name} | {100 * entry['clean_accuracy']:.1f} | {after_each(theirs['robust_accuracy_after'].items())} | "
              f"{after_each((a['name'], a['robust_accuracy']) for a in entry['attacks'])} | {difference:+.1f} | "
              f"{agreement[0]['agree_where_clear']} of {agreement[0]['clear']} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("official")
    for name in ("code", "data", "norm", "eps", "attacks", "out"):
        one.add_argument("--" + name, required=True)
    one.add_argument("--limit", type=int, default=200)
    one.add_argument("--threads", type=int, default=1)
    one.add_argument("--seed", type=int, default=0)
    one.set_defaults(run=official)
    two = commands.add_parser("saved")
    two.add_argument("files", nargs="+")
    two.add_argument("--out")
    two.set_defaults(run=saved)
    for command in (one, two):
        command.add_argument("--model", default="vgg11")
        command.add_argument("--weights", required=True)
    three = commands.add_parser("table")
    three.add_argument("folder")
    three.set_defaults(run=table)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
