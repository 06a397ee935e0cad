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
import java.util.Arrays;

/// Elementwise functions on the arrays as they lie. Rare ways to broadcast go to the scalar kernels.
///
/// Padding lanes hold zeros. Functions run over them like over all others; those that do not give zero for zeros clear them afterwards,
/// which touches only the last block of channels and only where it has padding.
final class VectorElementwise implements ElementwiseKernels {

    private final ElementwiseKernels scalar;

    VectorElementwise(ElementwiseKernels scalar) {
        this.scalar = scalar;
    }

    private static void each(Storage y, Workspace workspace, Ranges.Body body) {
        Ranges.each(workspace, y.layout().length(y.shape()), body);
    }

    @Override
    public void unary(UnaryFunction f, Storage x, Storage y, Workspace workspace) {
        float[] xs = x.floats(), ys = y.floats();
        each(y, workspace, switch (f) {
            case RELU -> (from, to) -> ElementLoops.relu(xs, ys, from, to);
            case ABS -> (from, to) -> ElementLoops.abs(xs, ys, from, to);
            case NEGATE -> (from, to) -> ElementLoops.scale(-1f, xs, ys, from, to);
            case SQUARE -> (from, to) -> ElementLoops.multiply(xs, 1, xs, 1, ys, from, to);
            case SQRT -> (from, to) -> ElementLoops.sqrt(xs, ys, from, to);
            case SIGMOID -> (from, to) -> FunctionLoops.sigmoid(xs, ys, from, to);
            case SILU -> (from, to) -> FunctionLoops.silu(xs, ys, from, to);
            case EXP -> (from, to) -> FunctionLoops.exp(xs, ys, from, to);
            case LOG -> (from, to) -> FunctionLoops.log(xs, ys, from, to);
            case X_LOG_X -> (from, to) -> FunctionLoops.timesLog(xs, ys, from, to);
            case SIGN -> (from, to) -> FunctionLoops.sign(xs, ys, from, to);
        });
        if (f == UnaryFunction.SIGMOID || f == UnaryFunction.EXP || f == UnaryFunction.LOG) {
            Planes.clearPadding(y, workspace);
        }
    }

    @Override
    public void unaryBackward(UnaryFunction f, Storage xOrY, Storage dOut, Storage dx, Workspace workspace) {
        float[] xs = xOrY.floats(), dOuts = dOut.floats(), dxs = dx.floats();
        each(dx, workspace, switch (f) {
            case RELU -> (from, to) -> ElementLoops.reluBackward(xs, dOuts, dxs, from, to);
            case ABS -> (from, to) -> FunctionLoops.absBackward(xs, dOuts, dxs, from, to);
            case NEGATE -> (from, to) -> ElementLoops.scale(-1f, dOuts, dxs, from, to);
            case SQUARE -> (from, to) -> FunctionLoops.squareBackward(xs, dOuts, dxs, from, to);
            case SQRT -> (from, to) -> FunctionLoops.sqrtBackward(xs, dOuts, dxs, from, to);
            case SIGMOID -> (from, to) -> FunctionLoops.sigmoidBackward(xs, dOuts, dxs, from, to);
            case SILU -> (from, to) -> FunctionLoops.siluBackward(xs, dOuts, dxs, from, to);
            case EXP -> (from, to) -> ElementLoops.multiply(dOuts, 1, xs, 1, dxs, from, to);
            case LOG -> (from, to) -> ElementLoops.divide(dOuts, 1, xs, 1, dxs, from, to);
            case X_LOG_X -> (from, to) -> FunctionLoops.timesLogBackward(xs, dOuts, dxs, from, to);
            case SIGN -> (from, to) -> Arrays.fill(dxs, from, to, 0f);
        });
        if (f == UnaryFunction.SQRT || f == UnaryFunction.LOG) {
            Planes.clearPadding(dx, workspace);
        }
    }

    @Override
    public void binary(BroadcastSizes s, Storage a, Storage b, Storage y, Workspace workspace) {
        if (s.out().elements() == 0) {
            return;
        }
        boolean wholeA = s.a().equals(s.out()) && a.layout().equals(y.layout());
        boolean wholeB = s.b().equals(s.out()) && b.layout().equals(y.layout());
        boolean commutes = s.function() == BinaryFunction.ADD || s.function() == BinaryFunction.MULTIPLY;
        if (wholeA && wholeB || wholeA && s.b().elements() == 1 || wholeB && s.a().elements() == 1) {
            elements(s.function(), a, wholeA, b, wholeB, y, workspace);
            if (!(wholeA && wholeB && keepsZero(s.function()))) {
                Planes.clearPadding(y, workspace);
            }
        } else if (wholeA && commutes && b.layout().equals(y.layout()) && y.layout().isBlocked() && isPerPlane(s.b(), s.out())) {
            perPlane(s, a, b, s.b(), y, workspace);
        } else if (wholeB && commutes && a.layout().equals(y.layout()) && y.layout().isBlocked() && isPerPlane(s.a(), s.out())) {
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

    private static void elements(BinaryFunction f, Storage a, boolean wholeA, Storage b, boolean wholeB, Storage y, Workspace workspace) {
        float[] as = wholeA ? a.floats() : repeated(a.floats()[0], "first operand", workspace);
        float[] bs = wholeB ? b.floats() : repeated(b.floats()[0], "second operand", workspace);
        int aStep = wholeA ? 1 : 0, bStep = wholeB ? 1 : 0;
        float[] ys = y.floats();
        each(y, workspace, switch (f) {
            case ADD -> (from, to) -> ElementLoops.add(as, aStep, bs, bStep, ys, from, to);
            case SUBTRACT -> (from, to) -> ElementLoops.subtract(as, aStep, bs, bStep, ys, from, to);
            case MULTIPLY -> (from, to) -> ElementLoops.multiply(as, aStep, bs, bStep, ys, from, to);
            case DIVIDE -> (from, to) -> ElementLoops.divide(as, aStep, bs, bStep, ys, from, to);
            case MINIMUM -> (from, to) -> ElementLoops.minimum(as, aStep, bs, bStep, ys, from, to);
            case MAXIMUM -> (from, to) -> ElementLoops.maximum(as, aStep, bs, bStep, ys, from, to);
            case GREATER -> (from, to) -> ElementLoops.greater(as, aStep, bs, bStep, ys, from, to);
            case GREATER_OR_EQUAL -> (from, to) -> ElementLoops.greaterOrEqual(as, aStep, bs, bStep, ys, from, to);
            case EQUAL -> (from, to) -> ElementLoops.equal(as, aStep, bs, bStep, ys, from, to);
        });
    }

    private static float[] repeated(float value, String purpose, Workspace workspace) {
        float[] values = workspace.scratch(0, purpose, V);
        Arrays.fill(values, 0, V, value);
        return values;
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
        float[] xs = x.floats(), ys = y.floats();
        each(y, workspace, (from, to) -> ElementLoops.clamp(low, high, xs, ys, from, to));
        if (!(low <= 0f && high >= 0f)) {
            Planes.clearPadding(y, workspace);
        }
    }

    @Override
    public void clampBackward(float low, float high, Storage x, Storage dOut, Storage dx, Workspace workspace) {
        float[] xs = x.floats(), dOuts = dOut.floats(), dxs = dx.floats();
        each(dx, workspace, (from, to) -> ElementLoops.clampBackward(low, high, xs, dOuts, dxs, from, to));
    }

    @Override
    public void scale(float factor, Storage x, Storage y, Workspace workspace) {
        float[] xs = x.floats(), ys = y.floats();
        each(y, workspace, (from, to) -> ElementLoops.scale(factor, xs, ys, from, to));
        if (!Float.isFinite(factor)) {
            Planes.clearPadding(y, workspace);
        }
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
