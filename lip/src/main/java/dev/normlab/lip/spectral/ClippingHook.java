package dev.normlab.lip.spectral;

import dev.normlab.engine.autograd.Gradients;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.program.Executor;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.lip.norm.LayerKind;
import dev.normlab.lip.norm.NormedLayer;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.layer.Parameter;
import dev.normlab.nn.train.TrainingHook;
import java.util.List;
import java.util.Set;

/// Singular value clipping in training.
///
/// [#everyFewSteps] is the paper's: a single pass every `clipFreq` steps, at step 1, `clipFreq` + 1 and so on, before the update. Weights
/// that are evaluated have then had up to `clipFreq` updates without clipping, and a single pass leaves the norm above the limit.
/// [#beforeEvaluation] mends both: after the last update of every epoch it clips a few times and scales by the measured norm, so that every
/// evaluated network is within the limit.
///
/// Convolutions, transposed ones included, are clipped as circular layers of their input size; where a stride does not divide that size, as
/// what they are ([PaddedClipping]). Linear layers are clipped as matrices. Frozen layers are left alone.
public final class ClippingHook implements TrainingHook {

    /// The paper's number of steps between clippings.
    public static final int CLIP_FREQUENCY = 100;

    // Passes before an evaluation; what is left after them is scaled away.
    private static final int FINAL_PASSES = 3;
    private static final double FINAL_TOLERANCE = 1e-4;

    private final Layer model;
    private final SingularValueClipping.Options options;
    private final Set<LayerKind> kinds;
    private final Moment moment;
    private final long period;
    private final long phase;
    private long step;

    private ClippingHook(Layer model, SingularValueClipping.Options options, Set<LayerKind> kinds, Moment moment, long period, long phase) {
        if (period < 1) {
            throw new IllegalArgumentException("singular value clipping happens every so many steps, at least 1, but got " + period);
        }
        this.model = model;
        this.options = options;
        this.kinds = Set.copyOf(kinds);
        this.moment = moment;
        this.period = period;
        this.phase = phase % period;
    }

    /// A single pass every `clipFreq` steps, before the update.
    ///
    /// @param kinds  which of convolutions and linear layers are clipped
    /// @param method how singular values are found; layers clipped as what they are take [SvdMethod#GRAM]
    public static ClippingHook everyFewSteps(Layer model, double limit, Set<LayerKind> kinds, SvdMethod method, int clipFreq) {
        SingularValueClipping.Options options = new SingularValueClipping.Options(limit, 1, 0, false, method);
        return new ClippingHook(model, options, kinds, Moment.BEFORE_UPDATE, clipFreq, 1);
    }

    /// Passes until the limit holds, at most three, and then scaling, after the last update of every epoch.
    ///
    /// @param method         as for [#everyFewSteps]
    /// @param stepsOfAnEpoch the number of batches of an epoch
    public static ClippingHook beforeEvaluation(Layer model, double limit, Set<LayerKind> kinds, SvdMethod method, int stepsOfAnEpoch) {
        SingularValueClipping.Options options = new SingularValueClipping.Options(limit, FINAL_PASSES, FINAL_TOLERANCE, true, method);
        return new ClippingHook(model, options, kinds, Moment.AFTER_UPDATE, stepsOfAnEpoch, stepsOfAnEpoch - 1L);
    }

    /// Both hooks on convolutions and linear layers, as the method `svc` uses them.
    ///
    /// @param clipFreq       the steps between two single passes, [#CLIP_FREQUENCY] in the paper
    /// @param stepsOfAnEpoch the number of batches of an epoch
    public static List<ClippingHook> both(Layer model, double limit, SvdMethod method, int clipFreq, int stepsOfAnEpoch) {
        Set<LayerKind> kinds = Set.of(LayerKind.CONV, LayerKind.LINEAR);
        return List.of(everyFewSteps(model, limit, kinds, method, clipFreq),
                beforeEvaluation(model, limit, kinds, method, stepsOfAnEpoch));
    }

    @Override
    public Moment moment() {
        return moment;
    }

    @Override
    public boolean hostSide() {
        return true;
    }

    @Override
    public boolean actsOnHost() {
        return step % period == phase;
    }

    @Override
    public void beforeStep(long newStep) {
        step = newStep;
    }

    @Override
    public void apply(Executor executor, Gradients gradients) {
        if (actsOnHost()) {
            clip(executor.device());
        }
    }

    /// Clips all layers now.
    ///
    /// @throws dev.normlab.lip.norm.NormException if a convolution's input size is not known
    /// @throws ArithmeticException                if weights are not finite
    public void clip(Device device) {
        for (NormedLayer layer : NormedLayer.of(model)) {
            if (kinds.contains(layer.kind()) && layer.kind() != LayerKind.BN) {
                layer.weight().filter(weight -> !weight.frozen()).ifPresent(weight -> clip(layer, weight, device));
            }
        }
    }

    private void clip(NormedLayer layer, Parameter weight, Device device) {
        float[] values = weight.tensor().toArray();
        SingularValueClipping.Result result = layer.layer() instanceof Linear linear
                ? SingularValueClipping.matrix(linear.outFeatures(), linear.inFeatures(), values, options.limit(), options.method())
                : convolution(layer, values, device);
        if (result.passes() > 0 || result.after() < result.before()) {
            weight.set(result.weight());
        }
    }

    private SingularValueClipping.Result convolution(NormedLayer layer, float[] values, Device device) {
        Conv2dSizes sizes = layer.convolution().orElseThrow();
        if (!CircularConvolution.exists(sizes)) {
            PadMode mode = layer.layer() instanceof Conv2d conv ? conv.geometry().mode() : PadMode.ZERO;
            return PaddedClipping.clip(sizes, mode, values, options.limit(), device, RandomStream.of(step, "clipping of " + layer.name()));
        }
        CircularConvolution circular = CircularConvolution.of(sizes);
        if (options.passes() > 1) {
            return SingularValueClipping.circular(circular, values, options, device.workers());
        }
        double before = SingularValueClipping.pass(circular, values, options.limit(), options.method(), device.workers());
        return new SingularValueClipping.Result(values, before, options.limit(), before > options.limit() ? 1 : 0);
    }
}
