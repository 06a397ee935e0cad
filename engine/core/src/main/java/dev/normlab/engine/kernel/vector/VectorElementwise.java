package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;

import dev.normlab.engine.kernel.BinaryFunction;
import dev.normlab.engine.kernel.BroadcastSizes;
import dev.normlab.engine.kernel.ElementwiseKernels;
import dev.normlab.engine.kernel.RandomFill;
import dev.normlab.engine.kernel.UnaryFunction;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;

/// Elementwise functions that the machine has as instructions, on the arrays as they lie; exponentials, logarithms and rare cases go to the
/// scalar kernels, which agree bitwise with these.
///
/// Padding lanes hold zeros. Functions that keep zeros zero run over them; for the others a blocked tensor with padding goes to the scalar
/// kernels.
final class VectorElementwise implements ElementwiseKernels {

    // Floats that make a chunk worth handing to a thread; a multiple of every vector length.
    private static final int CHUNK = 1 << 15;

    private final ElementwiseKernels scalar;

    VectorElementwise(ElementwiseKernels scalar) {
        this.scalar = scalar;
    }

    /// What is done with the elements `from .. to - 1` of an array.
    @FunctionalInterface
    private interface Body {

        void run(int from, int to);
    }

    private static void each(Storage y, Workspace workspace, Body body) {
        int length = y.layout().length(y.shape());
        workspace.workers().run((length + CHUNK - 1) / CHUNK, (chunk, _) -> body.run(chunk * CHUNK, Math.min(length, (chunk + 1) * CHUNK)));
    }

    private static boolean hasPadding(Storage storage) {
        return storage.layout().isBlocked() && storage.shape().size(1) % V != 0;
    }

    @Override
    public void unary(UnaryFunction f, Storage x, Storage y, Workspace workspace) {
        float[] xs = x.floats(), ys = y.floats();
        switch (f) {
            case RELU -> each(y, workspace, (from, to) -> ElementLoops.relu(xs, ys, from, to));
            case ABS -> each(y, workspace, (from, to) -> ElementLoops.abs(xs, ys, from, to));
            case NEGATE -> each(y, workspace, (from, to) -> ElementLoops.scale(-1f, xs, ys, from, to));
            case SQUARE -> each(y, workspace, (from, to) -> ElementLoops.multiply(xs, xs, ys, from, to));
            case SQRT -> each(y, workspace, (from, to) -> ElementLoops.sqrt(xs, ys, from, to));
            case SIGMOID, SILU, EXP, LOG, SIGN, X_LOG_X -> scalar.unary(f, x, y, workspace);
        }
    }

    @Override
    public void unaryBackward(UnaryFunction f, Storage xOrY, Storage dOut, Storage dx, Workspace workspace) {
        if (f == UnaryFunction.RELU) {
            float[] ys = xOrY.floats(), dOuts = dOut.floats(), dxs = dx.floats();
            each(dx, workspace, (from, to) -> ElementLoops.reluBackward(ys, dOuts, dxs, from, to));
        } else {
            scalar.unaryBackward(f, xOrY, dOut, dx, workspace);
        }
    }

    @Override
    public void binary(BroadcastSizes s, Storage a, Storage b, Storage y, Workspace workspace) {
        if (s.out().elements() == 0) {
            return;
        }
        boolean same = s.a().equals(s.out()) && s.b().equals(s.out()) && a.layout().equals(y.layout()) && b.layout().equals(y.layout());
        boolean perPlane = y.layout().isBlocked() && s.a().equals(s.out()) && b.layout().equals(y.layout()) && isPerPlane(s.b(), s.out());
        boolean swapped = y.layout().isBlocked() && s.b().equals(s.out()) && a.layout().equals(y.layout()) && isPerPlane(s.a(), s.out());
        boolean commutes = s.function() == BinaryFunction.ADD || s.function() == BinaryFunction.MULTIPLY;
        if (same && !(hasPadding(y) && !keepsZero(s.function()))) {
            same(s.function(), a, b, y, workspace);
        } else if (perPlane && commutes) {
            perPlane(s, a, b, s.b(), y, workspace);
        } else if (swapped && commutes) {
            perPlane(s, b, a, s.a(), y, workspace);
        } else {
            scalar.binary(s, a, b, y, workspace);
        }
    }

    private static boolean keepsZero(BinaryFunction f) {
        return switch (f) {
            case ADD, SUBTRACT, MULTIPLY, MINIMUM, MAXIMUM, GREATER -> true;
            case DIVIDE, GREATER_OR_EQUAL, EQUAL -> false;
        };
    }

    // Whether `small` is [n or 1, c, 1, 1] for an output [n, c, h, w].
    private static boolean isPerPlane(Shape small, Shape out) {
        return small.rank() == 4 && small.size(1) == out.size(1) && small.size(2) == 1 && small.size(3) == 1
                && (small.size(0) == 1 || small.size(0) == out.size(0));
    }

    private void same(BinaryFunction f, Storage a, Storage b, Storage y, Workspace workspace) {
        float[] as = a.floats(), bs = b.floats(), ys = y.floats();
        switch (f) {
            case ADD -> each(y, workspace, (from, to) -> ElementLoops.add(as, bs, ys, from, to));
            case SUBTRACT -> each(y, workspace, (from, to) -> ElementLoops.subtract(as, bs, ys, from, to));
            case MULTIPLY -> each(y, workspace, (from, to) -> ElementLoops.multiply(as, bs, ys, from, to));
            case DIVIDE -> each(y, workspace, (from, to) -> ElementLoops.divide(as, bs, ys, from, to));
            case MINIMUM -> each(y, workspace, (from, to) -> ElementLoops.minimum(as, bs, ys, from, to));
            case MAXIMUM -> each(y, workspace, (from, to) -> ElementLoops.maximum(as, bs, ys, from, to));
            case GREATER, GREATER_OR_EQUAL, EQUAL ->
                scalar.binary(new BroadcastSizes(f, a.shape(), b.shape(), y.shape()), a, b, y, workspace);
        }
    }

    private static void perPlane(BroadcastSizes s, Storage whole, Storage small, Shape smallShape, Storage y, Workspace workspace) {
        Shape out = s.out();
        Planes planes = new Planes(out.size(0), out.size(1), out.size(2) * out.size(3));
        boolean perImage = smallShape.size(0) > 1;
        float[] as = whole.floats(), bs = small.floats(), ys = y.floats();
        int length = planes.pixels() * V;
        if (s.function() == BinaryFunction.ADD) {
            planes.each(workspace,
                    (plane, block, at, _) -> ElementLoops.addVector(as, bs, (perImage ? plane : block) * V, ys, at, at + length));
        } else {
            planes.each(workspace,
                    (plane, block, at, _) -> ElementLoops.multiplyVector(as, bs, (perImage ? plane : block) * V, ys, at, at + length));
        }
    }

    @Override
    public void addRelu(Storage a, Storage b, Storage y, Workspace workspace) {
        float[] as = a.floats(), bs = b.floats(), ys = y.floats();
        each(y, workspace, (from, to) -> ElementLoops.addRelu(as, bs, ys, from, to));
    }

    @Override
    public void broadcast(Shape from, Shape to, Storage x, Storage y, Workspace workspace) {
        scalar.broadcast(from, to, x, y, workspace);
    }

    @Override
    public void clamp(float low, float high, Storage x, Storage y, Workspace workspace) {
        if (hasPadding(y) && !(low <= 0f && high >= 0f)) {
            scalar.clamp(low, high, x, y, workspace);
            return;
        }
        float[] xs = x.floats(), ys = y.floats();
        each(y, workspace, (from, to) -> ElementLoops.clamp(low, high, xs, ys, from, to));
    }

    @Override
    public void clampBackward(float low, float high, Storage x, Storage dOut, Storage dx, Workspace workspace) {
        float[] xs = x.floats(), dOuts = dOut.floats(), dxs = dx.floats();
        each(dx, workspace, (from, to) -> ElementLoops.clampBackward(low, high, xs, dOuts, dxs, from, to));
    }

    @Override
    public void scale(float factor, Storage x, Storage y, Workspace workspace) {
        if (hasPadding(y) && !Float.isFinite(factor)) {
            scalar.scale(factor, x, y, workspace);
            return;
        }
        float[] xs = x.floats(), ys = y.floats();
        each(y, workspace, (from, to) -> ElementLoops.scale(factor, xs, ys, from, to));
    }

    @Override
    public void equalIndices(Storage a, Storage b, Storage y, Workspace workspace) {
        scalar.equalIndices(a, b, y, workspace);
    }

    @Override
    public void random(RandomFill fill, Storage counter, Storage y, Workspace workspace) {
        scalar.random(fill, counter, y, workspace);
    }
}
