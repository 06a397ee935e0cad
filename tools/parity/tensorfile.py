"""Reads and writes safetensors files with NumPy: an 8-byte length, a JSON header, then the arrays without gaps."""

import json
import struct
from pathlib import Path

import numpy as np

DTYPES = {"F32": np.float32, "F64": np.float64, "I64": np.int64, "I32": np.int32, "U8": np.uint8}
NAMES = {np.dtype(dtype): name for name, dtype in DTYPES.items()}


def write(path, arrays):
    """arrays: name -> array. Floats are expected as float32, counters (`num_batches_tracked`) as int64 of shape []."""
    header, blobs, offset = {}, [], 0
    for name, array in arrays.items():
        array = np.asarray(array, order="C")
        blob = array.tobytes()
        header[name] = {"dtype": NAMES[array.dtype], "shape": list(array.shape), "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def read(path):
    """Returns name -> array; checks that every slice lies in the file and has the size that its shape asks for."""
    data = Path(path).read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    if 8 + length > len(data):
        raise ValueError(f"{path}: the header should have {length} bytes, the file has {len(data)}")
    header = json.loads(data[8 : 8 + length])
    arrays = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        dtype = np.dtype(DTYPES[entry["dtype"]])
        count = int(np.prod(entry["shape"], dtype=np.int64))
        if end - start != count * dtype.itemsize or 8 + length + end > len(data):
            raise ValueError(f"{path}: {name} has offsets {start}..{end} for shape {entry['shape']}")
        arrays[name] = np.frombuffer(data, dtype, count, 8 + length + start).reshape(entry["shape"])
    return arrays
