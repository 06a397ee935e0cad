package dev.normlab.engine.kernel;

import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;

/// Functions of single elements. All operands are plain, or all 4-D operands are blocked alike; padding lanes of blocked outputs are
/// written as zero.
public interface ElementwiseKernels {

    /// `y = f(x)`.
    void unary(UnaryFunction f, Storage x, Storage y, Workspace workspace);

    /// `dx = f'(x) * dOut`; `xOrY` is the input or the output as [UnaryFunction#derivativeFromOutput()] says.
    void unaryBackward(UnaryFunction f, Storage xOrY, Storage dOut, Storage dx, Workspace workspace);

    /// `y = f(a, b)` with broadcasting. Blocked outputs allow blocked operands of the output's shape or with `n`, `h`, `w` stretched, and
    /// one-element operands.
    void binary(BroadcastSizes s, Storage a, Storage b, Storage y, Workspace workspace);

    /// `y = max(0, a + b)` of operands of one shape and layout; `y` may be one of them.
    void addRelu(Storage a, Storage b, Storage y, Workspace workspace);

    /// `y = x` stretched to a larger shape, plain.
    void broadcast(Shape from, Shape to, Storage x, Storage y, Workspace workspace);

    /// `y = min(max(x, low), high)`.
    void clamp(float low, float high, Storage x, Storage y, Workspace workspace);

    /// `dx = dOut` where `low <= x <= high`, else 0.
    void clampBackward(float low, float high, Storage x, Storage dOut, Storage dx, Workspace workspace);

    /// `y = factor * x`.
    void scale(float factor, Storage x, Storage y, Workspace workspace);

    /// `y = 1` where the int tensors `a` and `b` of one shape agree, else 0. Plain.
    void equalIndices(Storage a, Storage b, Storage y, Workspace workspace);

    /// Fills `y` in row-major order with random numbers. Plain.
    ///
    /// `counter` is int `[4]` = `{seed low, seed high, stream, position}`: element `i` comes from lane `i % 4` of the Philox block with the
    /// seed as its key and the counter whose upper half is `stream` and whose lower half is `position + i / 4` (all unsigned), so a fill
    /// takes `ceil(elements / 4)` positions. Words become numbers so: `bits = word >>> 8` and `UNIFORM = bits * 2^-23 - 1`; `KEEP` tests
    /// `bits * 2^-24 < keepProbability`; `NORMAL` is Box and Muller's pair from lanes 0 and 1, and from lanes 2 and 3: radius
    /// `sqrt(-2 ln((first + 1/2) * 2^-32))`, angle `2 pi * second * 2^-32`, cosine on the even lane and sine on the odd one.
    void random(RandomFill fill, Storage counter, Storage y, Workspace workspace);
}
