#!/usr/bin/env python3
"""The speed of the official AutoAttack's APGD, as a peer for `normlab bench attack`.

Usage: python attack_torch.py --code CHECKOUT --weights F.safetensors --data CIFAR_BINARY_FOLDER [--model resnet18] [--make-weights] [--default]
                              [--batch-size 128] [--steps 20] [--norm linf] [--eps 8/255] [--threads 2]

CHECKOUT is github.com/fra31/auto-attack, which is no part of this repository. `--make-weights` first writes fresh weights of PyTorch's seed 0 to the file,
so that both sides take the same; the images are the first test images with the classes that the network gives them. PyTorch is tuned (channels-last
memory, malloc settings that keep freed memory) unless `--default` is given. Prints one JSON line with `image_steps_per_second` of the whole attack.
Ours: ./normlab bench attack --model resnet18 --weights F.safetensors --data cifar10:CIFAR_BINARY_FOLDER --threads 2 --json -
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

from bench_torch import restart_with_tuned_malloc

NORMS = {"linf": "Linf", "l2": "L2", "l1": "L1"}


def fraction(text):
    numerator, _, denominator = text.partition("/")
    return float(numerator) / float(denominator or 1)


def measure(options):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "parity"))
    sys.path.insert(0, options.code)
    import cifar
    import networks
    import tensorfile
    import torch
    from autoattack.autopgd_base import APGDAttack

    torch.set_num_threads(options.threads)
    if options.make_weights:
        torch.manual_seed(0)
        tensorfile.write(options.weights, networks.state_arrays(networks.make(options.model)))
    layout = torch.contiguous_format if options.default else torch.channels_last
    network = networks.load(options.model, tensorfile.read(options.weights)).eval().to(memory_format=layout)
    images = torch.from_numpy(cifar.records(options.data, "test", options.batch_size)[0]).to(memory_format=layout)
    with torch.no_grad():
        labels = network(images).argmax(1)

    def attack(steps):
        apgd = APGDAttack(network, n_restarts=1, n_iter=steps, verbose=False, eps=fraction(options.eps), norm=NORMS[options.norm], eot_iter=1, rho=0.75,
                          seed=0, device="cpu", loss="ce")
        apgd.init_hyperparam(images)
        start = time.perf_counter()
        apgd.attack_single_run(images, labels)
        return time.perf_counter() - start

    attack(3)
    seconds = attack(options.steps)
    return {"model": options.model, "settings": "default" if options.default else "tuned", "torch": torch.__version__, "threads": torch.get_num_threads(),
            "batch_size": len(labels), "steps": options.steps, "norm": options.norm, "seconds": round(seconds, 3),
            "image_steps_per_second": round(options.steps * len(labels) / seconds, 2), "load_average": round(os.getloadavg()[0], 2)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("code", "weights", "data"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--model", default="resnet18")
    parser.add_argument("--make-weights", action="store_true")
    parser.add_argument("--default", action="store_true")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--norm", choices=tuple(NORMS), default="linf")
    parser.add_argument("--eps", default="8/255")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if not options.default:
        restart_with_tuned_malloc()
    print(json.dumps(measure(options)))


if __name__ == "__main__":
    main()
