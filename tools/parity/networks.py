"""PyTorch networks with the parameter names and shapes of the CIFAR models that normlab trains: the judges in parity checks."""

import torch
from torch import nn
from torch.nn import functional as F

VGG_PLANS = {"vgg11": "64 M 128 M 256 256 M 512 512 M 512 512 M"}
REGNET_PLANS = {"regnetx200mf": dict(depths=(1, 1, 4, 7), widths=(24, 56, 152, 368), group_width=8)}
NAMES = ("vgg11", "resnet18", "senet18", "regnetx200mf")

_reference = None


def use_reference(folder):
    """From now on `make` knows all of normlab's models, from a copy of the reference; see zoo.py."""
    global _reference
    _reference = folder


def convolution(c, o, kernel, stride=1, groups=1, bias=False):
    return nn.Conv2d(c, o, kernel, stride, padding=kernel // 2, groups=groups, bias=bias)


def projection(c, o, stride, normalised=True):
    """The shortcut's 1x1 convolution, or nothing (with no parameters) where shapes agree."""
    if stride == 1 and c == o:
        return nn.Sequential()
    layers = [convolution(c, o, 1, stride)]
    return nn.Sequential(*layers, nn.BatchNorm2d(o)) if normalised else nn.Sequential(*layers)


class Vgg(nn.Module):
    """3x3 convolutions with bias, batch norm, ReLU; max pooling where the plan has M."""

    def __init__(self, plan, classes=10):
        super().__init__()
        layers, c = [], 3
        for entry in plan.split():
            if entry == "M":
                layers.append(nn.MaxPool2d(2))
            else:
                layers += [convolution(c, int(entry), 3, bias=True), nn.BatchNorm2d(int(entry)), nn.ReLU()]
                c = int(entry)
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(c, classes)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


class ResidualBlock(nn.Module):
    def __init__(self, c, o, stride):
        super().__init__()
        self.conv1, self.bn1 = convolution(c, o, 3, stride), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = convolution(o, o, 3), nn.BatchNorm2d(o)
        self.shortcut = projection(c, o, stride)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class SqueezeBlock(nn.Module):
    """Pre-activation block with squeeze and excitation. A projection reads the activated input, an identity the raw one."""

    def __init__(self, c, o, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(c), convolution(c, o, 3, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(o), convolution(o, o, 3)
        self.shortcut = projection(c, o, stride, normalised=False)
        self.fc1, self.fc2 = convolution(o, o // 16, 1, bias=True), convolution(o // 16, o, 1, bias=True)

    def forward(self, x):
        active = F.relu(self.bn1(x))
        skip = self.shortcut(active) if len(self.shortcut) else x
        y = self.conv2(F.relu(self.bn2(self.conv1(active))))
        scale = self.fc2(F.relu(self.fc1(y.mean((2, 3), keepdim=True)))).sigmoid()
        return y * scale + skip


class GroupedBlock(nn.Module):
    """RegNetX block: 1x1, grouped 3x3 with the stride, 1x1."""

    def __init__(self, c, o, stride, group_width):
        super().__init__()
        self.conv1, self.bn1 = convolution(c, o, 1), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = convolution(o, o, 3, stride, groups=o // group_width), nn.BatchNorm2d(o)
        self.conv3, self.bn3 = convolution(o, o, 1), nn.BatchNorm2d(o)
        self.shortcut = projection(c, o, stride)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + self.shortcut(x))


class Staged(nn.Module):
    """A 3x3 stem with 64 channels, four stages of blocks, global average, linear."""

    def __init__(self, block, depths, widths, strides, classes=10):
        super().__init__()
        self.conv1, self.bn1 = convolution(3, 64, 3), nn.BatchNorm2d(64)
        c = 64
        for stage, (depth, width, stride) in enumerate(zip(depths, widths, strides), 1):
            blocks = []
            for index in range(depth):
                blocks.append(block(c, width, stride if index == 0 else 1))
                c = width
            self.add_module(f"layer{stage}", nn.Sequential(*blocks))
        self.linear = nn.Linear(c, classes)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            y = stage(y)
        return self.linear(y.mean((2, 3)))


class WideBlock(nn.Module):
    """Pre-activation block of a wide ResNet in the layout of TRADES. A projection reads the activated input, an identity the raw one."""

    def __init__(self, c, o, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(c), convolution(c, o, 3, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(o), convolution(o, o, 3)
        self.convShortcut = None if c == o else convolution(c, o, 1, stride)

    def forward(self, x):
        active = F.relu(self.bn1(x))
        skip = x if self.convShortcut is None else self.convShortcut(active)
        return skip + self.conv2(F.relu(self.bn2(self.conv1(active))))


class WideGroup(nn.Module):
    def __init__(self, c, o, blocks, stride):
        super().__init__()
        self.layer = nn.Sequential(*[WideBlock(c if i == 0 else o, o, stride if i == 0 else 1) for i in range(blocks)])

    def forward(self, x):
        return self.layer(x)


class WideResNet(nn.Module):
    """`depth` = 6 k + 4 layers: a stem with 16 channels, three groups of k blocks with 16, 32 and 64 times `factor` channels."""

    def __init__(self, depth, factor, classes=10):
        super().__init__()
        blocks = (depth - 4) // 6
        self.conv1 = convolution(3, 16, 3)
        self.block1 = WideGroup(16, 16 * factor, blocks, 1)
        self.block2 = WideGroup(16 * factor, 32 * factor, blocks, 2)
        self.block3 = WideGroup(32 * factor, 64 * factor, blocks, 2)
        self.bn1 = nn.BatchNorm2d(64 * factor)
        self.fc = nn.Linear(64 * factor, classes)

    def forward(self, x):
        y = self.block3(self.block2(self.block1(self.conv1(x))))
        return self.fc(F.relu(self.bn1(y)).mean((2, 3)))


def scaled(plan, width):
    """A plan with a multiple of its channels."""
    return " ".join(entry if entry == "M" else str(int(int(entry) * width)) for entry in plan.split())


def make(name):
    """A fresh network with PyTorch's default initialisation from the global seed. VGG takes a width, as in `vgg11:width=0.25`."""
    widths, strides = (64, 128, 256, 512), (1, 2, 2, 2)
    family, _, width = name.partition(":width=")
    if family in VGG_PLANS:
        return Vgg(scaled(VGG_PLANS[family], float(width or 1)))
    if name == "resnet18":
        return Staged(ResidualBlock, (2, 2, 2, 2), widths, strides)
    if name == "senet18":
        return Staged(SqueezeBlock, (2, 2, 2, 2), widths, strides)
    if name in REGNET_PLANS:
        plan = REGNET_PLANS[name]
        return Staged(lambda c, o, s: GroupedBlock(c, o, s, plan["group_width"]), plan["depths"], plan["widths"], (1, 1, 2, 2))
    if _reference is not None:
        import zoo  # which needs this module

        return zoo.make(name, _reference)
    raise SystemExit(f"unknown network {name}; known: {', '.join(NAMES)}, and with --reference all others")


def state_arrays(network):
    """The state dict as NumPy arrays: floats as float32, counters as int64."""
    return {k: (v.float() if v.is_floating_point() else v).numpy() for k, v in network.state_dict().items()}


def load(name, arrays, dtype=torch.float32):
    """A network with the given weights. Missing `num_batches_tracked` counters are accepted, nothing else is."""
    network = make(name)
    missing, unexpected = network.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in arrays.items()}, strict=False)
    missing = [key for key in missing if not key.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise SystemExit(f"{name}: missing {missing}, unexpected {unexpected}")
    return network.to(dtype)
