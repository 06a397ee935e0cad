#!/usr/bin/env python3
"""Makes the extra golden cases: operations that the first golden set does not have.

Usage: python make_extra.py OUTPUT_FOLDER      (needs torch and numpy; neither the build nor the tests need this script)

One folder a case, with `case.json` and one `.npy` file per array, and `index.json` with the names of all cases. Inputs are float32 and drawn
from a seeded generator. Every expected array is computed twice, in float32 and in float64: the file holds the float64 result rounded to
float32, and `f32_vs_f64_max_abs_err` is the largest difference that PyTorch's own float32 result has from it. Gradients are those of
sum(y * grad_output). Integer results (indices, argmax) must match exactly. The same script gives the same files with the same PyTorch.
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

CASES = []


def case(name, op, attrs, inputs, compute, note=None):
    """Registers a case.

    inputs: name -> (tensor, requires_grad), in order. compute: dict of tensors -> dict of results; the result called "y" is differentiated.
    """
    CASES.append((name, op, attrs, inputs, compute, note))


def seeded(name):
    """A generator that depends on the case's name only, so that adding a case leaves the others as they are."""
    seed = 0
    for letter in name:
        seed = (seed * 131 + ord(letter)) % 2147483647
    return seed, torch.Generator().manual_seed(seed)


# ---------------------------------------------------------------- inputs

def randn(*shape, scale=1.0):
    return lambda g: scale * torch.randn(*shape, generator=g)


def uniform(low, high, *shape):
    return lambda g: low + (high - low) * torch.rand(*shape, generator=g)


def away_from(points, *shape, gap=0.05):
    """Normal numbers moved away from the kinks in `points`, so that the gradient is well defined."""

    def draw(g):
        x = torch.randn(*shape, generator=g)
        for point in points:
            near = (x - point).abs() < gap
            x = torch.where(near, point + gap * torch.where(x >= point, 2.0, -2.0), x)
        return x

    return draw


def distinct(*shape):
    """All values differ by at least 0.01: no ties for maxima and for sorting."""

    def draw(g):
        count = int(np.prod(shape))
        return (torch.randperm(count, generator=g).float() * 0.037 - count * 0.0185).reshape(shape)

    return draw


def integers(low, high, *shape):
    return lambda g: torch.randint(low, high, shape, generator=g)


def given(values):
    return lambda g: torch.tensor(values)


# ---------------------------------------------------------------- convolutions

def conv_with_padding(p, padding, mode, stride, dilation, groups):
    """Pads by [top, bottom, left, right] in the given mode, then convolves without padding."""
    top, bottom, left, right = padding
    torch_mode = {"zeros": "constant"}.get(mode, mode)
    x = F.pad(p["input"], (left, right, top, bottom), mode=torch_mode)
    return {"y": F.conv2d(x, p["weight"], p.get("bias"), stride=stride, dilation=dilation, groups=groups)}


def conv_case(name, x, weight, padding, mode="zeros", stride=(1, 1), dilation=(1, 1), groups=1, bias=False):
    inputs = {"input": (randn(*x), True), "weight": (randn(*weight, scale=0.5), True)}
    if bias:
        inputs["bias"] = (randn(weight[0]), True)
    attrs = {"stride": list(stride), "padding": list(padding), "padding_mode": mode, "dilation": list(dilation), "groups": groups, "bias": bias}
    case(name, "conv2d", attrs, inputs, lambda p: conv_with_padding(p, padding, mode, stride, dilation, groups),
         "padding is [top, bottom, left, right]")


conv_case("conv2d_asym_padding", (2, 3, 7, 6), (4, 3, 3, 3), (1, 0, 2, 1), bias=True)
conv_case("conv2d_asym_padding_s2", (1, 5, 8, 8), (6, 5, 3, 3), (0, 1, 0, 1), stride=(2, 2))
conv_case("conv2d_same_even_kernel", (2, 4, 6, 7), (3, 4, 4, 2), (1, 2, 0, 1), bias=True)
conv_case("conv2d_circular", (2, 3, 6, 5), (4, 3, 3, 3), (1, 1, 1, 1), "circular", bias=True)
conv_case("conv2d_circular_5x5_s2", (1, 4, 8, 8), (5, 4, 5, 5), (2, 2, 2, 2), "circular", stride=(2, 2))
conv_case("conv2d_circular_groups_dil2", (1, 6, 7, 7), (6, 2, 3, 3), (2, 2, 2, 2), "circular", dilation=(2, 2), groups=3)
conv_case("conv2d_reflect", (2, 3, 6, 5), (4, 3, 3, 3), (1, 1, 1, 1), "reflect", bias=True)
conv_case("conv2d_reflect_asym_s2", (1, 5, 7, 8), (3, 5, 3, 5), (0, 1, 3, 2), "reflect", stride=(2, 1))
conv_case("conv2d_replicate", (2, 3, 5, 6), (4, 3, 3, 3), (1, 1, 1, 1), "replicate", bias=True)
conv_case("conv2d_replicate_wide", (1, 4, 4, 3), (5, 4, 3, 3), (3, 2, 4, 1), "replicate", dilation=(2, 1))
conv_case("conv2d_kernel_larger_than_input", (2, 3, 2, 3), (4, 3, 5, 7), (2, 2, 3, 3), bias=True)
conv_case("conv2d_1x1_map", (3, 17, 1, 1), (9, 17, 3, 3), (1, 1, 1, 1), bias=True)
conv_case("conv2d_c10k24", (2, 10, 6, 6), (24, 10, 3, 3), (1, 1, 1, 1))
conv_case("conv2d_c24k56_1x1_s2", (1, 24, 7, 7), (56, 24, 1, 1), (0, 0, 0, 0), stride=(2, 2))
conv_case("conv2d_c152_g19", (1, 152, 4, 4), (152, 8, 3, 3), (1, 1, 1, 1), groups=19)
conv_case("conv2d_c48_g3_w16", (1, 48, 5, 5), (48, 16, 3, 3), (1, 1, 1, 1), groups=3, stride=(2, 2))


def transposed_case(name, x, weight, padding=(0, 0), stride=(1, 1), output_padding=(0, 0), dilation=(1, 1), groups=1, bias=False):
    """weight is [c, o/groups, kh, kw], as in PyTorch."""
    inputs = {"input": (randn(*x), True), "weight": (randn(*weight, scale=0.5), True)}
    if bias:
        inputs["bias"] = (randn(weight[1] * groups), True)
    attrs = {"stride": list(stride), "padding": list(padding), "output_padding": list(output_padding), "dilation": list(dilation),
             "groups": groups, "bias": bias}
    case(name, "conv_transpose2d", attrs, inputs,
         lambda p: {"y": F.conv_transpose2d(p["input"], p["weight"], p.get("bias"), stride, padding, output_padding, groups, dilation)},
         "weight is [c, o/groups, kh, kw]")


transposed_case("conv_transpose2d_3x3", (2, 4, 5, 5), (4, 3, 3, 3), padding=(1, 1), bias=True)
transposed_case("conv_transpose2d_4x4_s2", (2, 5, 4, 6), (5, 3, 4, 4), padding=(1, 1), stride=(2, 2))
transposed_case("conv_transpose2d_s2_outpad", (1, 3, 5, 4), (3, 6, 3, 3), padding=(1, 1), stride=(2, 2), output_padding=(1, 1), bias=True)
transposed_case("conv_transpose2d_groups_dil", (1, 6, 4, 4), (6, 2, 3, 3), padding=(2, 1), stride=(2, 3), output_padding=(1, 2),
                dilation=(2, 2), groups=3, bias=True)
transposed_case("conv_transpose2d_rect_depthwise", (2, 10, 5, 3), (10, 1, 2, 5), padding=(0, 2), stride=(3, 1), groups=10)


# ---------------------------------------------------------------- shapes and indices

def pad_case(name, x, padding, mode, value=0.0):
    top, bottom, left, right = padding
    torch_mode = {"zeros": "constant"}.get(mode, mode)
    extra = {"value": value} if mode == "constant" else {}
    case(name, "pad", {"padding": list(padding), "mode": mode, "value": value}, {"input": (randn(*x), True)},
         lambda p: {"y": F.pad(p["input"], (left, right, top, bottom), mode=torch_mode, **extra)}, "padding is [top, bottom, left, right]")


pad_case("pad_zeros", (2, 3, 4, 5), (1, 2, 0, 3), "zeros")
pad_case("pad_constant", (1, 2, 3, 3), (1, 1, 2, 2), "constant", 0.75)
pad_case("pad_circular", (2, 3, 5, 4), (2, 1, 1, 3), "circular")
pad_case("pad_reflect", (2, 3, 5, 4), (2, 1, 1, 3), "reflect")
pad_case("pad_replicate", (2, 3, 3, 2), (2, 1, 1, 4), "replicate")

x4 = {"input": (randn(2, 12, 4, 3), True)}
case("reshape", "reshape", {"shape": [6, 48]}, x4, lambda p: {"y": p["input"].reshape(6, 48)})
case("flatten_1", "flatten", {"start_dim": 1}, x4, lambda p: {"y": p["input"].flatten(1)})
case("permute_0231", "permute", {"dims": [0, 2, 3, 1]}, x4, lambda p: {"y": p["input"].permute(0, 2, 3, 1).contiguous()})
case("permute_10", "permute", {"dims": [1, 0]}, {"input": (randn(5, 9), True)}, lambda p: {"y": p["input"].t().contiguous()})
case("slice_channels", "slice", {"dim": 1, "start": 3, "end": 10}, x4, lambda p: {"y": p["input"][:, 3:10].contiguous()})
case("slice_rows_step2", "slice", {"dim": 2, "start": 1, "end": 4, "step": 2}, x4, lambda p: {"y": p["input"][:, :, 1:4:2].contiguous()})
case("concat_channels", "concat", {"dim": 1}, {"a": (randn(2, 3, 4, 4), True), "b": (randn(2, 10, 4, 4), True), "c": (randn(2, 5, 4, 4), True)},
     lambda p: {"y": torch.cat([p["a"], p["b"], p["c"]], 1)})
case("concat_last", "concat", {"dim": 3}, {"a": (randn(2, 3, 4, 1), True), "b": (randn(2, 3, 4, 6), True)},
     lambda p: {"y": torch.cat([p["a"], p["b"]], 3)})
case("split_channels", "split", {"dim": 1, "sizes": [5, 7]}, x4, lambda p: {"y": p["input"][:, :5].contiguous(), "y2": p["input"][:, 5:].contiguous()},
     "y and y2 are the two parts; grad_input is that of sum(y * grad_output) alone, so it is zero in the second part")
case("channel_shuffle_3", "channel_shuffle", {"groups": 3}, x4, lambda p: {"y": F.channel_shuffle(p["input"].contiguous(), 3)})
case("channel_shuffle_2_c10", "channel_shuffle", {"groups": 2}, {"input": (randn(1, 10, 3, 3), True)},
     lambda p: {"y": F.channel_shuffle(p["input"], 2)})
case("pixel_shuffle_2", "pixel_shuffle", {"factor": 2}, x4, lambda p: {"y": F.pixel_shuffle(p["input"], 2)})
case("pixel_unshuffle_2", "pixel_unshuffle", {"factor": 2}, {"input": (randn(2, 3, 4, 6), True)}, lambda p: {"y": F.pixel_unshuffle(p["input"], 2)})
case("gather_d1", "gather", {"dim": 1}, {"input": (randn(5, 7), True), "index": (integers(0, 7, 5, 3), False)},
     lambda p: {"y": p["input"].gather(1, p["index"])}, "an index may occur more than once: gradients add up")
case("gather_labels", "gather", {"dim": 1}, {"input": (randn(6, 10), True), "index": (integers(0, 10, 6, 1), False)},
     lambda p: {"y": p["input"].gather(1, p["index"])})
case("topk_3", "topk", {"k": 3, "dim": 1, "largest": True}, {"input": (distinct(6, 10), True)},
     lambda p: dict(zip(("y", "indices"), p["input"].topk(3, 1))), "descending, no ties")
case("topk_2_smallest", "topk", {"k": 2, "dim": 1, "largest": False}, {"input": (distinct(4, 9), True)},
     lambda p: dict(zip(("y", "indices"), p["input"].topk(2, 1, largest=False))), "ascending, no ties")
case("argmax_d1", "argmax", {"dim": 1}, {"input": (distinct(7, 10), False)}, lambda p: {"indices": p["input"].argmax(1)})

# ---------------------------------------------------------------- elementwise and reductions

small = (3, 10, 2, 3)
case("silu", "silu", {}, {"input": (randn(4, 33), True)}, lambda p: {"y": F.silu(p["input"])})
case("silu_extreme", "silu", {}, {"input": (given([-200.0, -90.0, -20.0, -1.0, 0.0, 1e-6, 1.0, 20.0, 90.0, 200.0]), True)}, lambda p: {"y": F.silu(p["input"])})
case("sigmoid_extreme", "sigmoid", {}, {"input": (given([-200.0, -90.0, -20.0, -1.0, 0.0, 1e-6, 1.0, 20.0, 90.0, 200.0]), True)},
     lambda p: {"y": p["input"].sigmoid()})
case("relu_4d_misaligned", "relu", {}, {"input": (away_from([0.0], *small), True)}, lambda p: {"y": F.relu(p["input"])})
case("exp", "exp", {}, {"input": (uniform(-5, 5, *small), True)}, lambda p: {"y": p["input"].exp()})
case("log", "log", {}, {"input": (uniform(0.01, 20, *small), True)}, lambda p: {"y": p["input"].log()})
case("sqrt", "sqrt", {}, {"input": (uniform(0.01, 20, *small), True)}, lambda p: {"y": p["input"].sqrt()})
case("abs", "abs", {}, {"input": (away_from([0.0], *small), True)}, lambda p: {"y": p["input"].abs()})
case("abs_zero", "abs", {}, {"input": (given([-2.0, 0.0, 3.0]), True)}, lambda p: {"y": p["input"].abs()}, "the gradient at 0 is 0")
case("sign", "sign", {}, {"input": (given([-2.0, -0.0, 0.0, 3.0, 1e-30]), True)}, lambda p: {"y": p["input"].sign()}, "the gradient is 0 everywhere")
case("neg", "neg", {}, {"input": (randn(*small), True)}, lambda p: {"y": -p["input"]})
case("clamp", "clamp", {"min": -0.5, "max": 0.75}, {"input": (away_from([-0.5, 0.75], *small), True)}, lambda p: {"y": p["input"].clamp(-0.5, 0.75)})
case("clamp_at_the_ends", "clamp", {"min": -0.5, "max": 0.75}, {"input": (given([-0.5, 0.75, -0.6, 0.8, 0.0]), True)},
     lambda p: {"y": p["input"].clamp(-0.5, 0.75)}, "exactly at an end the gradient passes")
pair = {"a": (distinct(3, 4, 5), True), "b": (uniform(-1, 1, 4, 1), True)}
case("maximum_bcast", "maximum", {}, pair, lambda p: {"y": torch.maximum(p["a"], p["b"])})
case("minimum_bcast", "minimum", {}, pair, lambda p: {"y": torch.minimum(p["a"], p["b"])})
case("maximum_ties", "maximum", {}, {"a": (given([1.0, 2.0, 3.0]), True), "b": (given([1.0, 3.0, 2.0]), True)},
     lambda p: {"y": torch.maximum(p["a"], p["b"])}, "a tie gives half of the gradient to each")
case("max_dim1", "max", {"dim": 1, "keepdim": False}, {"input": (distinct(4, 10, 3), True)}, lambda p: dict(zip(("y", "indices"), p["input"].max(1))))
case("min_dim1_keepdim", "min", {"dim": 1, "keepdim": True}, {"input": (distinct(4, 10), True)},
     lambda p: dict(zip(("y", "indices"), p["input"].min(1, keepdim=True))))
case("sum_dim0", "sum", {"dim": [0], "keepdim": False}, {"input": (randn(5, 3, 4), True)}, lambda p: {"y": p["input"].sum(0)})
case("sum_all_4d", "sum", {}, {"input": (randn(*small), True)}, lambda p: {"y": p["input"].sum()})
case("mean_23", "mean", {"dim": [2, 3], "keepdim": False}, {"input": (randn(*small), True)}, lambda p: {"y": p["input"].mean((2, 3))})
case("mean_023_keepdim", "mean", {"dim": [0, 2, 3], "keepdim": True}, {"input": (randn(*small), True)}, lambda p: {"y": p["input"].mean((0, 2, 3), keepdim=True)})
case("add_4d_misaligned_bcast", "add", {}, {"a": (randn(2, 10, 3, 3), True), "b": (randn(10, 1, 1), True)}, lambda p: {"y": p["a"] + p["b"]})
case("mul_batch_scale", "mul", {}, {"a": (randn(3, 24, 2, 2), True), "b": (randn(3, 1, 1, 1), True)}, lambda p: {"y": p["a"] * p["b"]})
case("normalize_d1", "l2_normalize", {"dim": 1, "eps": 1e-12}, {"input": (randn(5, 9), True)}, lambda p: {"y": F.normalize(p["input"], dim=1)},
     "y = x / max(||x||, eps)")
case("normalize_tiny_row", "l2_normalize", {"dim": 1, "eps": 1e-3}, {"input": (given([[3e-5, -4e-5, 0.0], [3.0, 4.0, 12.0]]), True)},
     lambda p: {"y": F.normalize(p["input"], dim=1, eps=1e-3)}, "the first row is shorter than eps")
case("softmax_large_logits", "softmax", {"dim": 1}, {"input": (randn(4, 10, scale=40.0), True)}, lambda p: {"y": F.softmax(p["input"], 1)})
case("matmul_misaligned", "matmul", {}, {"a": (randn(13, 37), True), "b": (randn(37, 19), True)}, lambda p: {"y": p["a"] @ p["b"]})
case("linear_512_10_real", "linear", {"bias": True}, {"input": (randn(5, 512), True), "weight": (randn(10, 512, scale=0.05), True), "bias": (randn(10), True)},
     lambda p: {"y": F.linear(p["input"], p["weight"], p["bias"])})

# ---------------------------------------------------------------- losses

labels = given([1, 0, -100, 4, 2, -100, 3])
case("cross_entropy_all_options", "cross_entropy", {"reduction": "mean", "label_smoothing": 0.2, "ignore_index": -100, "weight": True},
     {"input": (randn(7, 5), True), "target": (labels, False), "weight": (uniform(0.5, 2, 5), False)},
     lambda p: {"y": F.cross_entropy(p["input"], p["target"], p["weight"], ignore_index=-100, label_smoothing=0.2)})
case("cross_entropy_sum_smooth_ignore", "cross_entropy", {"reduction": "sum", "label_smoothing": 0.1, "ignore_index": 2, "weight": False},
     {"input": (randn(6, 5), True), "target": (given([2, 0, 1, 2, 4, 3]), False)},
     lambda p: {"y": F.cross_entropy(p["input"], p["target"], ignore_index=2, label_smoothing=0.1, reduction="sum")})
case("cross_entropy_none_weighted", "cross_entropy", {"reduction": "none", "label_smoothing": 0.0, "ignore_index": -100, "weight": True},
     {"input": (randn(7, 5), True), "target": (labels, False), "weight": (uniform(0.5, 2, 5), False)},
     lambda p: {"y": F.cross_entropy(p["input"], p["target"], p["weight"], ignore_index=-100, reduction="none")})
case("cross_entropy_large_logits", "cross_entropy", {"reduction": "mean", "label_smoothing": 0.0, "ignore_index": -100, "weight": False},
     {"input": (randn(5, 10, scale=100.0), True), "target": (given([1, 9, 3, 0, 5]), False)}, lambda p: {"y": F.cross_entropy(p["input"], p["target"])})
case("nll_loss_none", "nll_loss", {"reduction": "none", "weight": False}, {"input": (uniform(-4, 0, 5, 7), True), "target": (given([0, 6, 3, 3, 1]), False)},
     lambda p: {"y": F.nll_loss(p["input"], p["target"], reduction="none")})
case("mse_none", "mse_loss", {"reduction": "none"}, {"a": (randn(3, 5), True), "b": (randn(3, 5), True)},
     lambda p: {"y": F.mse_loss(p["a"], p["b"], reduction="none")})
case("kl_div_sum_logtarget", "kl_div", {"reduction": "sum", "log_target": True}, {"input": (uniform(-3, 0, 4, 6), True), "target": (uniform(-3, 0, 4, 6), True)},
     lambda p: {"y": F.kl_div(p["input"], p["target"], reduction="sum", log_target=True)})
case("kl_div_zero_target", "kl_div", {"reduction": "batchmean", "log_target": False},
     {"input": (uniform(-3, 0, 3, 4), True), "target": (given([[0.0, 0.5, 0.5, 0.0], [1.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25]]), False)},
     lambda p: {"y": F.kl_div(p["input"], p["target"], reduction="batchmean")}, "0 log 0 is 0")


# ---------------------------------------------------------------- optimisers and schedules

def optimiser_case(name, op, make, attrs, shape, steps):
    inputs = {"param": (randn(*shape), False)}
    for step in range(1, steps + 1):
        inputs[f"grad_step_{step}"] = (randn(*shape, scale=10.0 ** (-(step % 3))), False)

    def compute(p):
        parameter = torch.nn.Parameter(p["param"].clone())
        optimiser = make([parameter])
        results = {}
        for step in range(1, steps + 1):
            parameter.grad = p[f"grad_step_{step}"].clone()
            optimiser.step()
            results[f"param_after_{step}"] = parameter.detach().clone()
        return results

    case(name, op, attrs | {"steps": steps}, inputs, compute, "param_after_k = parameter after step k (1-based) with the gradients grad_step_k")


optimiser_case("adam", "adam", lambda p: torch.optim.Adam(p, lr=0.01, foreach=False),
               {"lr": 0.01, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0}, (5, 7), 6)
optimiser_case("adam_wd", "adam", lambda p: torch.optim.Adam(p, lr=0.02, betas=(0.8, 0.99), eps=1e-6, weight_decay=0.01, foreach=False),
               {"lr": 0.02, "beta1": 0.8, "beta2": 0.99, "eps": 1e-6, "weight_decay": 0.01}, (17,), 6)
optimiser_case("adamw", "adamw", lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.05, foreach=False),
               {"lr": 0.01, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.05}, (3, 4, 2), 6)


def schedule_case(name, attrs, make, epochs, lr):
    """lr_k is the learning rate during epoch k, k = 0 .. epochs - 1."""

    def compute(p):
        optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
        schedule = make(optimiser)
        rates = []
        for _ in range(epochs):
            rates.append(optimiser.param_groups[0]["lr"])
            optimiser.step()
            schedule.step()
        return {"lr": torch.tensor(rates, dtype=torch.float64)}

    case(name, "schedule", attrs | {"lr": lr, "epochs": epochs}, {}, compute, "lr[k] is the learning rate during epoch k, counted from 0; computed in float64")


def reference_rate(epoch):
    """The reference's schedule: epochs are counted from 1 there."""
    return 0.001 if epoch + 1 >= 100 else 0.01 if epoch + 1 >= 90 else 0.1 if epoch + 1 >= 75 else 1.0


scheduler = torch.optim.lr_scheduler
schedule_case("schedule_cosine", {"kind": "cosine", "t_max": 20, "eta_min": 0.0}, lambda o: scheduler.CosineAnnealingLR(o, 20), 20, 0.1)
schedule_case("schedule_cosine_eta_min", {"kind": "cosine", "t_max": 15, "eta_min": 0.001}, lambda o: scheduler.CosineAnnealingLR(o, 15, 0.001), 15, 0.05)
schedule_case("schedule_multistep", {"kind": "multistep", "milestones": [5, 8, 12], "gamma": 0.1}, lambda o: scheduler.MultiStepLR(o, [5, 8, 12]), 16, 0.1)
schedule_case("schedule_step", {"kind": "step", "step_size": 4, "gamma": 0.5}, lambda o: scheduler.StepLR(o, 4, 0.5), 14, 0.2)
schedule_case("schedule_reference", {"kind": "reference"}, lambda o: scheduler.LambdaLR(o, reference_rate), 120, 0.1)


# ---------------------------------------------------------------- writing

def evaluate(inputs, tensors, compute, dtype, grad_output):
    """Runs a case in one precision: results and gradients, as NumPy arrays."""
    local = {}
    for name, (_, requires_grad) in inputs.items():
        tensor = tensors[name].clone()
        if tensor.is_floating_point():
            tensor = tensor.to(dtype)
        local[name] = tensor.requires_grad_() if requires_grad else tensor
    results = compute(local)
    if grad_output is not None:
        results["y"].backward(grad_output.to(dtype))
        for name, (_, requires_grad) in inputs.items():
            if requires_grad:
                results["grad_" + name] = local[name].grad
    return {name: value.detach().contiguous().numpy() for name, value in results.items()}


def save(folder, name, array):
    np.save(folder / f"{name}.npy", np.asarray(array, order="C"))


def describe(name, array):
    return {"name": name, "file": f"{name}.npy", "shape": list(array.shape), "dtype": str(array.dtype)}


def write_case(root, name, op, attrs, inputs, compute, note):
    folder = root / name
    folder.mkdir(parents=True)
    seed, generator = seeded(name)
    tensors = {key: draw(generator) for key, (draw, _) in inputs.items()}
    differentiate = any(requires_grad for _, requires_grad in inputs.values())
    grad_output = None
    if differentiate:
        shape = evaluate(inputs, tensors, compute, torch.float32, None)["y"].shape
        grad_output = torch.randn(shape, generator=generator)
    single = evaluate(inputs, tensors, compute, torch.float32, grad_output)
    double = evaluate(inputs, tensors, compute, torch.float64, grad_output)

    document = {"name": name, "op": op, "attrs": attrs, "seed": seed, "torch": torch.__version__.split("+")[0]}
    if note:
        document["note"] = note
    if grad_output is not None:
        document["grad_output"] = "grad_output.npy"
        save(folder, "grad_output", grad_output.numpy())
    document["inputs"] = []
    for key, (_, requires_grad) in inputs.items():
        save(folder, key, tensors[key].numpy())
        document["inputs"].append(describe(key, tensors[key].numpy()) | {"requires_grad": requires_grad})
    document["expected"] = []
    for key, exact in double.items():
        if exact.dtype == np.int64:
            if not np.array_equal(exact, single[key]):
                raise SystemExit(f"{name}: {key} differs between float32 and float64; choose inputs without ties")
            save(folder, key, exact)
            document["expected"].append(describe(key, exact))
        else:
            stored = exact if op == "schedule" else exact.astype(np.float32)
            save(folder, key, stored)
            document["expected"].append(describe(key, stored) | {
                "max_abs": float(np.abs(exact).max()), "f32_vs_f64_max_abs_err": float(np.abs(exact - single[key]).max())})
    (folder / "case.json").write_text(json.dumps(document, separators=(",", ":")))


def main():
    if len(sys.argv) != 2:
        raise SystemExit("usage: make_extra.py OUTPUT_FOLDER")
    torch.set_num_threads(1)
    root = Path(sys.argv[1])
    if root.exists():
        shutil.rmtree(root)
    root.mkdir(parents=True)
    for name, op, attrs, inputs, compute, note in CASES:
        write_case(root, name, op, attrs, inputs, compute, note)
    (root / "index.json").write_text(json.dumps([entry[0] for entry in CASES], indent=2))
    print(f"{len(CASES)} cases in {root}")


if __name__ == "__main__":
    main()
