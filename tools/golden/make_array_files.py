"""Makes the small array files that the tests of dev.normlab.engine.io read, with NumPy's and safetensors' own writers.

    python tools/golden/make_array_files.py engine/core/src/test/resources/dev/normlab/engine/io

Needs numpy, torch (for bfloat16) and safetensors. Every array holds (i - 3) / 2, or i for integers, for i = 0, 1, ... in row-major order.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from numpy.lib import format as npy_format
from safetensors.torch import save_file


def halves(*shape):
    return (np.arange(np.prod(shape, dtype=int), dtype=np.float64).reshape(shape) - 3) / 2


def counts(*shape):
    return np.arange(np.prod(shape, dtype=int)).reshape(shape)


def make_safetensors(folder):
    tensors = {
        "features.0.weight": torch.from_numpy(halves(4, 3, 1, 2)).float(),
        "half": torch.from_numpy(halves(5)).half(),
        "brain": torch.from_numpy(halves(2, 3)).bfloat16(),
        "bn.num_batches_tracked": torch.tensor(7_000_000_000, dtype=torch.int64),
        "classes": torch.from_numpy(counts(3)).int(),
        "pixels": torch.from_numpy(counts(2, 2) + 252).to(torch.uint8),
        "empty": torch.zeros(0, 3),
    }
    save_file(tensors, folder / "every-type.safetensors", metadata={"épsilon": 'a "quoted" \\ line\n'})
    own = {
        "b.weight": torch.from_numpy(halves(2, 3)).float(),
        "a.bias": torch.from_numpy(halves(3)).float(),
        "steps": torch.tensor(12, dtype=torch.int64),
        "labels": torch.from_numpy(counts(3)).int(),
        "pixels": torch.from_numpy(counts(5)).to(torch.uint8),
    }
    save_file(own, folder / "written-types.safetensors", metadata={"format": "pt"})


def make_npy(folder):
    def save(name, array, version=(1, 0)):
        with open(folder / f"{name}.npy", "wb") as file:
            npy_format.write_array(file, array, version=version)

    save("f4", halves(2, 3, 4).astype("<f4"))
    save("f4-big-endian", halves(2, 3, 4).astype(">f4"))
    save("f4-fortran", np.asfortranarray(halves(2, 3, 4).astype("<f4")))
    save("f4-version-2", halves(2, 3).astype("<f4"), (2, 0))
    save("f4-version-3", halves(2, 3).astype("<f4"), (3, 0))
    save("f8", halves(2, 3).astype("<f8"))
    save("f8-big-endian-fortran", np.asfortranarray(halves(2, 3).astype(">f8")))
    save("f2", halves(7).astype("<f2"))
    save("i4", counts(2, 3).astype("<i4"))
    save("i4-big-endian", counts(2, 3).astype(">i4"))
    save("i8", (counts(3) + 5_000_000_000).astype("<i8"))
    save("i8-fortran", np.asfortranarray(counts(2, 3).astype("<i8")))
    save("u1", (counts(2, 2) + 252).astype("|u1"))
    save("u1-fortran", np.asfortranarray((counts(2, 2) + 252).astype("|u1")))
    save("u2", (counts(3) + 65533).astype("<u2"))
    save("bool", np.array([True, False, True]))
    save("scalar", np.array(2.5, dtype="<f4"))
    save("empty", np.zeros((0, 3), dtype="<f4"))
    save("complex", np.zeros(2, dtype="<c8"))
    save("records", np.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")]))


def make_npz(folder):
    arrays = {"x": halves(2, 3, 4, 4).astype("<f4"), "y": counts(2)}
    np.savez(folder / "stored.npz", **arrays)
    np.savez_compressed(folder / "deflated.npz", **arrays)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    make_safetensors(target)
    make_npy(target)
    make_npz(target)
