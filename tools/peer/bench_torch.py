#!/usr/bin/env python3
"""PyTorch's speed on the networks that normlab trains, as a peer for `normlab bench step`.

Usage: python bench_torch.py MODEL [--tuned] [--batch-size 128] [--threads 2] [--seconds 10] [--device cuda] [--tf32]

Prints one JSON line with `train_images_per_second` and `infer_images_per_second`, medians over steps after warming up (--seconds of training, half as
many of inference, at least three steps each), and with the process's peak resident memory. A training step is
forward, mean cross entropy, backward and SGD with momentum 0.9 on random images that are already in memory; inference is eval mode without
gradients. `--tuned` takes channels-last memory and keeps freed memory in the process (malloc settings; the script starts itself again with
them, since they are read once). All weights are PyTorch's defaults. With `--device cuda` everything lies on the GPU, a step ends when the GPU has ended,
cuDNN chooses its algorithms by trying them, and products are float32 unless `--tf32` is given.
"""

import argparse
import json
import os
import resource
import statistics
import sys
import time
from pathlib import Path

TUNED_MALLOC = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_MMAP_THRESHOLD_": "2000000000",
    "MALLOC_TRIM_THRESHOLD_": "2000000000",
    "MALLOC_TOP_PAD_": "268435456",
}


def restart_with_tuned_malloc():
    if any(os.environ.get(key) != value for key, value in TUNED_MALLOC.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | TUNED_MALLOC)


def median_rate(step, wait, images, seconds):
    """Images per second: median over steps that take `seconds` together, after two to warm up; at least three steps. `wait` ends when a step has."""
    for _ in range(2):
        step()
    wait()
    rates, end = [], time.perf_counter() + seconds
    while len(rates) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        step()
        wait()
        rates.append(images / (time.perf_counter() - start))
    return round(statistics.median(rates), 1), len(rates)


def peak_resident_bytes():
    """The largest resident set of this process so far (Linux counts in KiB)."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measure(model, tuned, batch_size, seconds, device, tf32):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "parity"))
    import networks
    import torch

    torch.manual_seed(0)
    cuda = device == "cuda"
    torch.backends.cudnn.benchmark = cuda
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    wait = torch.cuda.synchronize if cuda else lambda: None
    layout = torch.channels_last if tuned else torch.contiguous_format
    network = networks.make(model).to(device, memory_format=layout)
    images = torch.rand(batch_size, 3, 32, 32).to(device, memory_format=layout)
    labels = torch.randint(10, (batch_size,)).to(device)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
    loss = torch.nn.CrossEntropyLoss()

    def train_step():
        optimiser.zero_grad()
        loss(network(images), labels).backward()
        optimiser.step()

    def infer():
        with torch.inference_mode():
            network(images)

    train, train_steps = median_rate(train_step, wait, batch_size, seconds)
    train_peak = peak_resident_bytes()
    network.eval()
    inference, infer_steps = median_rate(infer, wait, batch_size, seconds / 2)
    return {"model": model, "device": torch.cuda.get_device_name() if cuda else "cpu", "tf32": tf32, "settings": "tuned" if tuned else "default", "torch": torch.__version__, "threads": torch.get_num_threads(),
            "batch_size": batch_size, "train_images_per_second": train, "infer_images_per_second": inference,
            "train_peak_resident_bytes": train_peak, "peak_resident_bytes": peak_resident_bytes(), "train_steps": train_steps, "infer_steps": infer_steps, "load_average": round(os.getloadavg()[0], 2)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--tuned", action="store_true")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--tf32", action="store_true")
    options = parser.parse_args()
    if options.tf32 and options.device != "cuda":
        parser.error("--tf32 needs --device cuda")
    if options.tuned:
        restart_with_tuned_malloc()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    print(json.dumps(measure(options.model, options.tuned, options.batch_size, options.seconds, options.device, options.tf32)))


if __name__ == "__main__":
    main()
