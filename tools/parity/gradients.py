#!/usr/bin/env python3
"""Makes initial weights for a parity check and what PyTorch computes from them.

Usage: python gradients.py MODEL FOLDER --data CIFAR_BINARY_FOLDER [--limit 50] [--seed 1] [--varied] [--reference REFERENCE_FOLDER]

Writes FOLDER/a.safetensors (float32; `num_batches_tracked` as I64 of shape []) and FOLDER/expected.npz with, for float64 and float32 (prefix
`64/` and `32/`): `loss`, `grad/NAME` of the mean cross entropy in train mode over the first records in file order (pixels / 255, nothing
else; zeros for parameters that the network does not use), `buffer/NAME` after that one forward pass, and `logits` of the test split in eval mode before the step.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

import cifar
import networks
import tensorfile


def initial(name, seed, varied=False):
    """PyTorch's initial weights; if `varied`, with batch norms less trivial than ones and zeros, so that a mix-up of them shows."""
    torch.manual_seed(seed)
    network = networks.make(name)
    for module in network.modules() if varied else ():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.8, 1.2)
            torch.nn.init.normal_(module.bias, std=0.05)
            torch.nn.init.normal_(module.running_mean, std=0.05)
            torch.nn.init.uniform_(module.running_var, 0.8, 1.25)
    return networks.state_arrays(network)


def eval_logits(name, arrays, images, dtype):
    """Logits in eval mode, 100 images at a time."""
    network = networks.load(name, arrays, dtype).eval()
    with torch.no_grad():
        parts = [network(torch.from_numpy(images[i : i + 100]).to(dtype)) for i in range(0, len(images), 100)]
    return torch.cat(parts).numpy()


def gradient(parameter):
    return (torch.zeros_like(parameter) if parameter.grad is None else parameter.grad).detach().numpy()


def step(name, arrays, images, labels, dtype):
    """Loss, gradients and buffers of one training step without the update."""
    network = networks.load(name, arrays, dtype).train()
    loss = F.cross_entropy(network(torch.from_numpy(images).to(dtype)), torch.from_numpy(labels))
    loss.backward()
    results = {"loss": loss.detach().numpy()}
    results |= {f"grad/{key}": gradient(parameter) for key, parameter in network.named_parameters()}
    results |= {f"buffer/{key}": buffer.numpy() for key, buffer in network.named_buffers() if "running" in key}
    return results


def make_expected(name, folder, data, limit=50, seed=1, test_limit=None, varied=False):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    arrays = initial(name, seed, varied)
    tensorfile.write(folder / "a.safetensors", arrays)
    images, labels = cifar.records(data, "train", limit)
    test_images, _ = cifar.records(data, "test", test_limit)
    expected = {}
    for prefix, dtype in (("64", torch.float64), ("32", torch.float32)):
        results = step(name, arrays, images, labels, dtype) | {"logits": eval_logits(name, arrays, test_images, dtype)}
        expected |= {f"{prefix}/{key}": value for key, value in results.items()}
    np.savez(folder / "expected.npz", **expected)
    return float(expected["64/loss"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("folder")
    parser.add_argument("--data", required=True)
    parser.add_argument("--limit", type=int, default=50)
    parser.add_argument("--test-limit", type=int, default=None)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--varied", action="store_true", help="batch norms with random weights, biases and running statistics")
    parser.add_argument("--reference", help="a copy of the reference, for models beyond " + ", ".join(networks.NAMES))
    options = parser.parse_args()
    networks.use_reference(options.reference)
    loss = make_expected(options.model, options.folder, options.data, options.limit, options.seed, options.test_limit, options.varied)
    print(f"{options.model}: loss {loss:.9f}, written to {options.folder}")


if __name__ == "__main__":
    main()
