"""Makes the arrays that ImageScalerTest compares with: one channel scaled by PyTorch's antialiased bilinear interpolation.

    python tools/golden/make_scaled_images.py nn/src/test/resources/dev/normlab/nn/data/scaled.npz

Needs numpy and torch. The archive has `HxW` for the source and `HxW-to-hxw` for every result, in pixel levels of 0 to 255.
"""

import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

CASES = [((5, 7), (3, 4)), ((5, 7), (8, 9)), ((5, 7), (5, 7)), ((5, 7), (1, 1)), ((64, 48), (32, 32)), ((33, 50), (32, 32)), ((1, 1), (3, 2)), ((10, 3), (4, 6))]

if __name__ == "__main__":
    generator = torch.Generator().manual_seed(0)
    arrays = {}
    for (h, w), (to_h, to_w) in CASES:
        key = f"{h}x{w}"
        if key not in arrays:
            arrays[key] = torch.randint(0, 256, (h, w), generator=generator).float().numpy()
        source = torch.from_numpy(arrays[key]).double()[None, None]
        scaled = F.interpolate(source, (to_h, to_w), mode="bilinear", antialias=True, align_corners=False)
        arrays[f"{key}-to-{to_h}x{to_w}"] = scaled[0, 0].float().numpy()
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(target, **arrays)
