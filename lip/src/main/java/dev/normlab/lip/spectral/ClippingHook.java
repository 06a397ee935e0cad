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
/// [#everyFewSteps] is the paper's: a single pass every `clipFreq` batches of an epoch, at those whose number, counted from 0 in every
/// epoch anew, is 1 modulo `clipFreq`, before the update. Weights that are evaluated have then had up to `clipFreq` updates without
/// clipping, and a single pass leaves the norm above the limit. [#beforeEvaluation] mends both: after the last update of every epoch it
/// clips a few times and scales by the measured norm, so that every evaluated network is within the limit.
///
/// Which linear map is limited:
///
/// - linear layers: their matrix;
/// - convolutions and transposed ones, by [#everyFewSteps], and by [#beforeEvaluation] with [ClippedOperator#CIRCULAR]: the *circular*
///   convolution of their weights, strides and input size. This says nothing of the layer with its own borders, least of all on maps that
///   are smaller than the kernel;
/// - by [#beforeEvaluation] with [ClippedOperator#LAYER]: the layer with its own borders, by a guaranteed bound ([PaddedClipping]);
/// - where a stride does not divide the input size, there is no circular convolution: always the layer with its own borders.
///
/// Frozen layers are left alone.
public final class ClippingHook implements TrainingHook {

    /// The paper's number of batches between clippings.
    public static final int CLIP_FREQUENCY = 100;

    // Passes before an evaluation; what is left after them is scaled away.
    private static final int FINAL_PASSES = 3;
    private static final double FINAL_TOLERANCE = 1e-4;

    private final Layer model;
    private final SingularValueClipping.Options options;
    private final ClippedOperator operator;
    private final Set<LayerKind> kinds;
    private final Moment moment;
    private final Batches batches;
    private long step;

    /// The batches of an epoch at which there is something to do: those whose number, from 0, is `phase` modulo `period`.
    private record Batches(int period, int phase, int ofAnEpoch) {

        Batches {
            if (period < 1 || ofAnEpoch < 1) {
                throw new IllegalArgumentException("singular value clipping happens every so many batches of an epoch, at least 1, but got "
                        + "every " + period + " of " + ofAnEpoch);
            }
        }

        boolean include(long step) {
            return step % ofAnEpoch % period == phase % period;
        }
    }

    private ClippingHook(Layer model, SingularValueClipping.Options options, ClippedOperator operator, Set<LayerKind> kinds, Moment moment,
            Batches batches) {
        this.model = model;
        this.options = options;
        this.operator = operator;
        this.kinds = Set.copyOf(kinds);
        this.moment = moment;
        this.batches = batches;
    }

    /// A single pass every `clipFreq` batches, before the update, on circular convolutions and on matrices.
    ///
    /// @param kinds          which of convolutions and linear layers are clipped
    /// @param method         how singular values are found; layers clipped as what they are take [SvdMethod#GRAM]
    /// @param stepsOfAnEpoch the number of batches of an epoch; with a single one there is no batch of number 1, and no pass
    public static ClippingHook everyFewSteps(Layer model, double limit, Set<LayerKind> kinds, SvdMethod method, int clipFreq,
            int stepsOfAnEpoch) {
        SingularValueClipping.Options options = new SingularValueClipping.Options(limit, 1, 0, false, method);
        return new ClippingHook(model, options, ClippedOperator.CIRCULAR, kinds, Moment.BEFORE_UPDATE,
                new Batches(clipFreq, 1, stepsOfAnEpoch));
    }

    /// Passes until the limit holds, at most three, and then scaling, after the last update of every epoch.
    ///
    /// @param method         as for [#everyFewSteps]
    /// @param operator       which linear map of a convolution is limited
    /// @param stepsOfAnEpoch the number of batches of an epoch
    public static ClippingHook beforeEvaluation(Layer model, double limit, Set<LayerKind> kinds, SvdMethod method,
            ClippedOperator operator, int stepsOfAnEpoch) {
        SingularValueClipping.Options options = new SingularValueClipping.Options(limit, FINAL_PASSES, FINAL_TOLERANCE, true, method);
        return new ClippingHook(model, options, operator, kinds, Moment.AFTER_UPDATE,
                new Batches(stepsOfAnEpoch, stepsOfAnEpoch - 1, stepsOfAnEpoch));
    }

    /// Both hooks on convolutions and linear layers, as the method `svc` uses them.
    ///
    /// @param operator       which linear map of a convolution is limited before an evaluation; [ClippedOperator#CIRCULAR] in the paper
    /// @param clipFreq       the batches between two single passes, [#CLIP_FREQUENCY] in the paper
    /// @param stepsOfAnEpoch the number of batches of an epoch
    public static List<ClippingHook> both(Layer model, double limit, SvdMethod method, ClippedOperator operator, int clipFreq,
            int stepsOfAnEpoch) {
        Set<LayerKind> kinds = Set.of(LayerKind.CONV, LayerKind.LINEAR);
        return List.of(everyFewSteps(model, limit, kinds, method, clipFreq, stepsOfAnEpoch),
                beforeEvaluation(model, limit, kinds, method, operator, stepsOfAnEpoch));
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
        return batches.include(step);
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
        PadMode mode = layer.layer() instanceof Conv2d conv && conv.geometry().isPadded() ? conv.geometry().mode() : PadMode.ZERO;
        if (!CircularConvolution.exists(sizes) || operator == ClippedOperator.LAYER && !CircularConvolution.is(sizes, mode)) {
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
