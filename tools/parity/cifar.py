"""Reads CIFAR-10's binary format: records of one label byte and 3 x 32 x 32 pixel bytes."""

from pathlib import Path

import numpy as np

RECORD = 3073


def records(folder, split, limit=None):
    """Returns images [n, 3, 32, 32] float32 in [0, 1] and labels [n] int64, in file order."""
    files = [f"data_batch_{i}.bin" for i in range(1, 6)] if split == "train" else ["test_batch.bin"]
    raw = np.concatenate([np.fromfile(Path(folder) / name, np.uint8) for name in files])
    raw = raw.reshape(-1, RECORD)[:limit]
    return raw[:, 1:].reshape(-1, 3, 32, 32).astype(np.float32) / np.float32(255), raw[:, 0].astype(np.int64)
