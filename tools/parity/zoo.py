"""All of normlab's models in PyTorch, by normlab's names: the reference's own classes, imported from a copy of its repository.

The copy is a folder that contains `models/` as https://github.com/youweiliang/norm_robustness has it. Wide ResNets, which it lacks, are those of
networks.py, in the layout of https://github.com/yaodongyu/TRADES.
"""

import importlib
import sys
from pathlib import Path

import networks

# normlab's name -> the reference's module, class or function, and arguments
CLASSES = {f"vgg{depth}": ("vgg", "VGG", (f"VGG{depth}",)) for depth in (11, 13, 16, 19)}
CLASSES |= {f"resnet{depth}": ("resnet", f"ResNet{depth}", ()) for depth in (18, 34, 50, 101, 152)}
CLASSES |= {f"preactresnet{depth}": ("preact_resnet", f"PreActResNet{depth}", ()) for depth in (18, 34, 50, 101, 152)}
CLASSES |= {f"resnext29_{kind}": ("resnext", f"ResNeXt29_{kind}", ()) for kind in ("2x64d", "4x64d", "8x64d", "32x4d")}
CLASSES |= {"senet18": ("senet", "SENet18", ())}
CLASSES |= {f"regnet{kind.lower()}mf": ("regnet", f"RegNet{kind[0]}_{kind[1:]}MF", ()) for kind in ("X200", "X400", "Y400")}
CLASSES |= {f"densenet{depth}": ("densenet", f"DenseNet{depth}", ()) for depth in (121, 161, 169, 201)}
CLASSES |= {"densenet_cifar": ("densenet", "densenet_cifar", ())}
CLASSES |= {f"dpn{depth}": ("dpn", f"DPN{depth}", ()) for depth in (26, 92)}
CLASSES |= {"googlenet": ("googlenet", "GoogLeNet", ())}
CLASSES |= {f"pnasnet{cell.lower()}": ("pnasnet", f"PNASNet{cell}", ()) for cell in "AB"}
CLASSES |= {"lenet": ("lenet", "LeNet", ()), "mobilenet": ("mobilenet", "MobileNet", ()), "mobilenetv2": ("mobilenetv2", "MobileNetV2", ())}
CLASSES |= {f"shufflenetg{groups}": ("shufflenet", f"ShuffleNetG{groups}", ()) for groups in (2, 3)}
CLASSES |= {f"shufflenetv2_{size}": ("shufflenetv2", "ShuffleNetV2", (size,)) for size in (0.5, 1, 1.5, 2)}
CLASSES |= {"efficientnetb0": ("efficientnet", "EfficientNetB0", ())}
WIDE = {f"wrn{depth}-{factor}": (depth, factor) for depth, factor in ((28, 10), (34, 10), (34, 20))}
NAMES = (*CLASSES, *WIDE)


def make(spec, reference):
    """A fresh network; `efficientnetb0:dropout=0` has no dropout. `reference` is the folder that contains `models/`."""
    name, _, dropout = spec.partition(":dropout=")
    if name not in NAMES:
        raise SystemExit(f"unknown network {spec}; known: {', '.join(NAMES)}")
    if name in WIDE:
        return networks.WideResNet(*WIDE[name])
    folder = Path(reference).resolve()
    if not (folder / "models" / "resnet.py").is_file():
        raise SystemExit(f"{folder} has no models/resnet.py; give the folder of a copy of the reference, which contains models/")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    module, function, arguments = CLASSES[name]
    network = getattr(importlib.import_module(f"models.{module}"), function)(*arguments)
    if dropout:
        network.cfg["dropout_rate"] = float(dropout)
    return network
