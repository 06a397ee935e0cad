package dev.normlab.lip.norm;

import dev.normlab.engine.kernel.BinaryFunction;
import dev.normlab.engine.kernel.GemmSizes;
import dev.normlab.engine.kernel.ReduceSizes;
import dev.normlab.engine.kernel.UnaryFunction;
import dev.normlab.engine.program.Attributes.TopK;
import dev.normlab.engine.program.Executor;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.List;

/// Measures and decays the norm of a convolution with circular, reflected or replicated borders, by ordinary operations that can be
/// recorded.
///
/// With the block pairs as the columns of a 0/1 matrix `P` `[taps, pairs]` and their multiplicities as `M` `[pairs, patterns]`, the sums of
/// all slices are `N = (Σ |K·P|)·M` `[channels, patterns]`, and the subgradient of the largest one is `(sign(K·P) ∘ multiplicity)·Pᵀ` on
/// its slice. Slices that tie exactly share it equally, which is a subgradient too.
final class PatternDecay {

    private final PatternSlices slices;
    private final Tensor blocks;
    private final Tensor multiplicities;
    private final Tensor zero = Tensor.scalar(0f).named("zero");
    private final Shape blocked;
    private final Shape tapped;

    /// What a step finds.
    ///
    /// @param norm      `[1]`
    /// @param blockSums `K·P` `[kernels, pairs]`
    /// @param sums      of all slices, `[channels, patterns]`
    record Measured(Tensor norm, Tensor blockSums, Tensor sums) {}

    PatternDecay(PatternSlices slices) {
        this.slices = slices;
        int pairs = slices.blockPairs();
        float[] p = new float[slices.area() * pairs];
        for (int pair = 0; pair < pairs; pair++) {
            for (int t : slices.rows().blocks().get(pair / slices.columns().blocks().size())) {
                for (int u : slices.columns().blocks().get(pair % slices.columns().blocks().size())) {
                    p[(t * slices.columns().taps() + u) * pairs + pair] = 1;
                }
            }
        }
        float[] m = new float[pairs * slices.patternPairs()];
        for (int i = 0; i < m.length; i++) {
            m[i] = slices.multiplicity(i % slices.patternPairs(), i / slices.patternPairs());
        }
        this.blocks = Tensor.of(Shape.of(slices.area(), pairs), p).named("blocks");
        this.multiplicities = Tensor.of(Shape.of(pairs, slices.patternPairs()), m).named("multiplicities");
        int groupOutputs = slices.o() / slices.groups();
        // [outer, summed, inner, ..]: a channel of the norm is (outer, inner)
        this.blocked = slices.byOutput()
                ? Shape.of(slices.o(), slices.groupInputs(), 1, pairs)
                : Shape.of(slices.groups(), groupOutputs, slices.groupInputs(), pairs);
        this.tapped = blocked.with(3, slices.area());
    }

    Measured measure(Executor executor, Tensor weight) {
        int kernels = slices.o() * slices.groupInputs();
        Tensor rows = reshape(executor, weight, kernels, slices.area());
        Tensor blockSums = gemm(executor, rows, blocks, new GemmSizes(kernels, slices.blockPairs(), slices.area(), false, false));
        Tensor absolute = executor.run(Opcode.UNARY, UnaryFunction.ABS, blockSums.spec(), blockSums);
        Shape kept = blocked.with(1, 1);
        Shape out = Shape.of(blocked.size(0), blocked.size(2), blocked.size(3));
        Tensor table = executor.run(Opcode.REDUCE, new ReduceSizes(blocked, kept, out, false), TensorSpec.floats(out),
                reshape(executor, absolute, blocked.toArray()));
        Tensor sums = gemm(executor, reshape(executor, table, slices.channels(), slices.blockPairs()), multiplicities,
                new GemmSizes(slices.channels(), slices.patternPairs(), slices.blockPairs(), false, false));
        Tensor flat = reshape(executor, sums, 1, slices.channels() * slices.patternPairs());
        Shape one = Shape.of(1, 1);
        Tensor largest = executor.run(Opcode.TOP_K, new TopK(1, 1), List.of(TensorSpec.floats(one), TensorSpec.ints(one)), flat).getFirst();
        return new Measured(reshape(executor, largest, 1), blockSums, sums);
    }

    /// Norm decay as in [NormDecay].
    ///
    /// @param momentum `[1]`
    /// @param beta     one or more elements, of which the first counts
    void decay(Executor executor, Measured measured, Tensor momentum, Tensor beta, Tensor trace, Tensor gradient) {
        Tensor share = shares(executor, measured);
        int pairs = slices.blockPairs();
        int kernels = slices.o() * slices.groupInputs();
        Tensor weights = gemm(executor, share, multiplicities, new GemmSizes(slices.channels(), pairs, slices.patternPairs(), false, true));
        Tensor signs = executor.run(Opcode.UNARY, UnaryFunction.SIGN, measured.blockSums().spec(), measured.blockSums());
        Tensor weighted = Elementwise.binary(executor, BinaryFunction.MULTIPLY, reshape(executor, signs, blocked.toArray()),
                reshape(executor, weights, blocked.with(1, 1).toArray()));
        Tensor fresh = gemm(executor, reshape(executor, weighted, kernels, pairs), blocks,
                new GemmSizes(kernels, slices.area(), pairs, false, true));
        Tensor touched = gemm(executor, weights, blocks, new GemmSizes(slices.channels(), slices.area(), pairs, false, true));
        Tensor untouched = Elementwise.binary(executor, BinaryFunction.EQUAL, touched, zero);
        Tensor faded = Elementwise.binary(executor, BinaryFunction.MULTIPLY, reshape(executor, trace, tapped.toArray()), momentum);
        Tensor remembered = Elementwise.binary(executor, BinaryFunction.MULTIPLY, faded,
                reshape(executor, untouched, tapped.with(1, 1).toArray()));
        Tensor next = Elementwise.binary(executor, BinaryFunction.ADD, remembered, reshape(executor, fresh, tapped.toArray()));
        executor.update(Opcode.ASSIGN, null, List.of(trace), reshape(executor, next, trace.shape().toArray()));
        executor.update(Opcode.ADD_SCALED, null, List.of(gradient), trace, beta);
    }

    /// 1 where a slice attains the norm, divided by the number of such slices.
    private Tensor shares(Executor executor, Measured measured) {
        Tensor attained = Elementwise.binary(executor, BinaryFunction.EQUAL, measured.sums(), measured.norm());
        int count = attained.shape().elements();
        Tensor flat = reshape(executor, attained, 1, count);
        Tensor number = executor.run(Opcode.REDUCE, new ReduceSizes(flat.shape(), Shape.of(1, 1), Shape.of(1), false), TensorSpec.floats(1),
                flat);
        return Elementwise.binary(executor, BinaryFunction.DIVIDE, attained, number);
    }

    private static Tensor gemm(Executor executor, Tensor a, Tensor b, GemmSizes s) {
        return executor.run(Opcode.GEMM, s, TensorSpec.floats(s.m(), s.n()), a, b, null);
    }

    private static Tensor reshape(Executor executor, Tensor x, int... sizes) {
        return executor.run(Opcode.RESHAPE, null, TensorSpec.floats(Shape.of(sizes)), x);
    }
}
