package dev.normlab.engine.kernel;

import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;

/// Functions of single elements. All operands are plain, or all 4-D operands are blocked alike; padding lanes of blocked outputs are written as zero.
public interface ElementwiseKernels {

    /// `y = f(x)`.
    void unary(UnaryFunction f, Storage x, Storage y, Workspace workspace);

    /// `dx = f'(x) * dOut`; `xOrY` is the input or the output as [UnaryFunction#derivativeFromOutput()] says.
    void unaryBackward(UnaryFunction f, Storage xOrY, Storage dOut, Storage dx, Workspace workspace);

    /// `y = f(a, b)` with broadcasting. Blocked outputs allow blocked operands of the output's shape or with `n`, `h`, `w` stretched, and one-element operands.
    void binary(BroadcastSizes s, Storage a, Storage b, Storage y, Workspace workspace);

    /// `y = x` stretched to a larger shape, plain.
    void broadcast(Shape from, Shape to, Storage x, Storage y, Workspace workspace);

    /// `y = min(max(x, low), high)`.
    void clamp(float low, float high, Storage x, Storage y, Workspace workspace);

    /// `dx = dOut` where `low <= x <= high`, else 0.
    void clampBackward(float low, float high, Storage x, Storage dOut, Storage dx, Workspace workspace);

    /// `y = factor * x`.
    void scale(float factor, Storage x, Storage y, Workspace workspace);

    /// Fills `y` in row-major order with random numbers of the Philox stream whose key and position are `counter` = int `[4]`
    /// `{seed low, seed high, stream, position}`. Plain.
    void random(RandomFill fill, Storage counter, Storage y, Workspace workspace);
}
