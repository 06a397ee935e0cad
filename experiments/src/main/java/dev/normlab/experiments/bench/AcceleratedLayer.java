package dev.normlab.experiments.bench;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Convolution;
import dev.normlab.engine.autograd.Reductions;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.engine.program.CompiledProgram;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.program.Recorder;
import dev.normlab.engine.program.StepProgram;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import dev.normlab.lip.norm.ConvolutionNorms;
import dev.normlab.lip.norm.Norm;
import dev.normlab.lip.spectral.PowerIteration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The norms of a convolution of one image on a device that runs programs: exact ones, and power iteration.
final class AcceleratedLayer implements AutoCloseable {

    private static final int[] ALL = {0, 1, 2, 3};
    private static final List<TensorSpec> NORM_AND_SLICE = List.of(TensorSpec.floats(1), TensorSpec.ints(Shape.of(2)));
    private static final String VALUE = "value";

    private final Conv2dSizes s;
    private final Tensor weight;
    private final Device device;
    private final Tensor v;
    private @Nullable CompiledProgram step;

    /// @param s      of one image, with the same stride and padding along both axes, zero-padded
    /// @param weight row-major
    AcceleratedLayer(Conv2dSizes s, float[] weight, Device device) {
        this.s = s;
        this.weight = Tensor.of(s.weightShape(), weight);
        this.device = device;
        this.v = Tensor.zeros(s.inputShape().toArray());
    }

    /// The exact norm.
    double norm(Norm norm) {
        Recorder recorder = new Recorder(device);
        recorder.fetch(VALUE, recorder.run(Opcode.SLICE_NORM, ConvolutionNorms.slices(s, norm), NORM_AND_SLICE, weight, null).getFirst());
        try (CompiledProgram program = CompiledProgram.of(recorder.program(), device)) {
            return fetched(program);
        }
    }

    /// Seconds of the norm's kernels alone, of every round.
    double[] seconds(Norm norm, int rounds) {
        SliceNormSizes slices = ConvolutionNorms.slices(s, norm);
        try (ProgramKernel kernel = new ProgramKernel(device, times -> {
            Recorder recorder = new Recorder(device);
            for (int i = 0; i < times; i++) {
                recorder.run(Opcode.SLICE_NORM, slices, NORM_AND_SLICE, weight, null);
            }
            return recorder.program();
        })) {
            return kernel.seconds(rounds);
        }
    }

    /// Power iteration as [PowerIteration#run]: a step is one replay, of which only the estimate comes back. The first call compiles the
    /// program, which the next ones use.
    PowerIteration.Result power(RandomStream random, double tolerance, int mostSteps) {
        CompiledProgram program = step;
        if (program == null) {
            program = CompiledProgram.of(step(), device);
            step = program;
        }
        v.set(start(random));
        double sigma = 0;
        for (int step = 1; step <= mostSteps; step++) {
            double found = Math.sqrt(fetched(program));
            if (found == 0 || Math.abs(found - sigma) <= tolerance * found) {
                return new PowerIteration.Result(found, step, true);
            }
            sigma = found;
        }
        return new PowerIteration.Result(Math.sqrt(fetched(program)), mostSteps, false);
    }

    private float[] start(RandomStream random) {
        float[] start = new float[s.inputShape().elements()];
        random.fillNormal(start, 0, 1);
        double square = 0;
        for (float value : start) {
            square += (double) value * value;
        }
        for (int i = 0; i < start.length; i++) {
            start[i] = (float) (start[i] / Math.sqrt(square));
        }
        return start;
    }

    /// `v ← MᵀM·v / ‖MᵀM·v‖`, and `‖M·v‖²` of the old `v`. The gradient of `y = M·v` in the direction `y` is `MᵀM·v`.
    private StepProgram step() {
        Recorder recorder = new Recorder(device);
        try (Tape tape = new Tape(recorder, List.of(v))) {
            Tensor y = Convolution.conv2d(tape, v, weight, null, Conv2dGeometry.of(s.strideH(), s.padTop()));
            Tensor product = tape.backward(y, y).of(v);
            Tensor length = Arithmetic.sqrt(tape, Reductions.sum(tape, Arithmetic.square(tape, product), true, ALL));
            recorder.fetch(VALUE, Reductions.sum(tape, Arithmetic.square(tape, y), false, ALL));
            recorder.update(Opcode.ASSIGN, null, List.of(v), Arithmetic.divide(tape, product, length));
        }
        return recorder.program();
    }

    private static double fetched(CompiledProgram program) {
        return Objects.requireNonNull(program.replay(Map.of()).get(VALUE)).toArray()[0];
    }

    @Override
    public void close() {
        if (step != null) {
            step.close();
        }
    }
}
