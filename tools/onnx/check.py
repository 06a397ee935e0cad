#!/usr/bin/env python3
"""Exports models as ONNX and compares their logits under onnxruntime with normlab's own, relative to the largest logit.

Usage: check.py NORMLAB [--train] [MODEL ...]      (NORMLAB: the launcher; without models all of them, at full width; needs numpy and onnxruntime)

With fresh weights the logits of MobileNet, EfficientNet and PNASNet B are their last biases alone; --train takes four steps first, which also makes batch norm's statistics
those of images.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime

TOLERANCE = 1e-4


def run(*arguments):
    subprocess.run([str(a) for a in arguments], check=True, stdout=subprocess.DEVNULL)


def difference(normlab, model, folder, train):
    """The largest difference of logits for a batch of 3 and one of 1, over the largest logit."""
    images = np.random.default_rng(0).random((3, 3, 32, 32), dtype=np.float32)
    np.savez(folder / "images.npz", x=images, y=np.zeros(3, dtype=np.int32))
    weights = ["--model", model, "--seed", 1]
    if train:
        run(normlab, "train", "--model", model, "--data", "synthetic:train=64,test=16", "--epochs", 1, "--batch-size", 16, "--lr", 0.1,
            "--out", folder / f"run-{model}", "--save", folder / "weights.safetensors", "--quiet")
        weights = ["--weights", folder / "weights.safetensors"]
    run(normlab, "export", *weights, "--out", folder / "model.onnx", "--quiet")
    run(normlab, "evaluate", *weights, "--data", f"npz:{folder / 'images.npz'}", "--save", folder / "logits.npz", "--quiet")
    saved = np.load(folder / "logits.npz")
    expected = saved[saved.files[0]] if "logits" not in saved.files else saved["logits"]
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
    all_three = session.run(["logits"], {"images": images})[0]
    one = session.run(["logits"], {"images": images[1:2]})[0]
    scale = np.abs(expected).max()
    return max(np.abs(all_three - expected).max(), np.abs(one - expected[1:2]).max()) / scale


def main():
    normlab = pathlib.Path(sys.argv[1]).resolve()
    models = [argument for argument in sys.argv[2:] if argument != "--train"]
    train = "--train" in sys.argv
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if not models:
            run(normlab, "models", "--json", folder / "models.json", "--quiet")
            models = [model["name"] for model in json.loads((folder / "models.json").read_text())["models"]]
        failed = 0
        for model in models:
            found = difference(normlab, model, folder, train)
            failed += not found <= TOLERANCE
            print(f"{model:28s} {found:.1e}{'' if found <= TOLERANCE else '  FAILED'}", flush=True)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
