package dev.normlab.engine.kernel.vector;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.ConvolutionKernels;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.Storage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/// Direct convolutions on channel-blocked activations.
///
/// The forward pass is one [ConvolutionProduct]; the input gradient is one for each residue of the input position modulo the stride; the
/// weight gradient is a [ConvolutionGradient]. All sizes, strides, dilations and groups run through the same loops; which of them ("bands"
/// or "positions") depends on the sizes of one image alone. Plans are pure functions of the sizes and are kept. Groups of eight channels
/// have loops of their own, [GroupedConvolution].
final class VectorConvolutions implements ConvolutionKernels {

    private final Map<Conv2dSizes, List<ConvolutionPlan>> forwardPlans = new ConcurrentHashMap<>();
    private final Map<Conv2dSizes, List<ConvolutionPlan>> backwardPlans = new ConcurrentHashMap<>();
    private final Map<Conv2dSizes, GradientPlan> gradientPlans = new ConcurrentHashMap<>();

    @Override
    public void conv2dForward(Conv2dSizes s, Storage x, Storage weight, @Nullable Storage bias, Storage y, Workspace workspace) {
        if (GroupedConvolution.fits(s)) {
            GroupedConvolution.forward(s, x.floats(), weight, bias == null ? null : bias.floats(), y.floats(), workspace);
            return;
        }
        List<ConvolutionPlan> plans = forwardPlans.computeIfAbsent(withoutBatch(s), VectorConvolutions::forwardPlan);
        float[] packed = ConvolutionWeights.packed(s, false, plans.getFirst().channels, weight, workspace);
        for (ConvolutionPlan plan : plans) {
            new ConvolutionProduct(plan, s.n(), s.h(), s.w(), x.floats(), packed, bias == null ? null : bias.floats(), y.floats(),
                    s.oh() * s.ow(), s.ow(), VectorKernels.isPlain(s.o())).run(workspace);
        }
    }

    @Override
    public void conv2dBackwardInput(Conv2dSizes s, Storage dOut, Storage weight, Storage dx, Workspace workspace) {
        if (GroupedConvolution.fits(s)) {
            GroupedConvolution.backwardInput(s, dOut.floats(), weight, dx.floats(), workspace);
            return;
        }
        List<ConvolutionPlan> plans = backwardPlans.computeIfAbsent(withoutBatch(s), VectorConvolutions::backwardPlans);
        float[] packed = ConvolutionWeights.packed(s, true, plans.getFirst().channels, weight, workspace);
        for (ConvolutionPlan plan : plans) {
            new ConvolutionProduct(plan, s.n(), s.oh(), s.ow(), dOut.floats(), packed, null, dx.floats(), s.h() * s.w(), s.w(),
                    VectorKernels.isPlain(s.c()))
                    .run(workspace);
        }
    }

    @Override
    public void conv2dBackwardWeight(Conv2dSizes s, Storage x, Storage dOut, Storage dWeight, Workspace workspace) {
        if (GroupedConvolution.fits(s)) {
            new GroupedGradient(s, x.floats(), dOut.floats(), dWeight.floats()).run(workspace);
            return;
        }
        GradientPlan plan = gradientPlans.computeIfAbsent(withoutBatch(s),
                sizes -> new GradientPlan(sizes, VectorKernels.isPlain(sizes.c())));
        new ConvolutionGradient(plan, s, x.floats(), dOut.floats(), VectorKernels.isPlain(s.o()), dWeight.floats()).run(workspace);
    }

    private static List<ConvolutionPlan> forwardPlan(Conv2dSizes s) {
        ChannelGroups channels = ChannelGroups.of(s.c(), s.o(), s.groups(), VectorKernels.isPlain(s.c()), TileProducts.MAX_VECTORS);
        TapAxis rows = TapAxis.forward(s.oh(), s.kh(), s.strideH(), s.dilationH(), s.padTop());
        TapAxis columns = TapAxis.forward(s.ow(), s.kw(), s.strideW(), s.dilationW(), s.padLeft());
        return List.of(new ConvolutionPlan(rows, columns, channels, s.kh(), s.kw(), s.h(), s.w(), s.ow()));
    }

    private static List<ConvolutionPlan> backwardPlans(Conv2dSizes s) {
        ChannelGroups channels = ChannelGroups.of(s.o(), s.c(), s.groups(), VectorKernels.isPlain(s.o()), TileProducts.MAX_VECTORS);
        List<ConvolutionPlan> plans = new ArrayList<>();
        for (TapAxis rows : TapAxis.backward(s.h(), s.kh(), s.strideH(), s.dilationH(), s.padTop())) {
            for (TapAxis columns : TapAxis.backward(s.w(), s.kw(), s.strideW(), s.dilationW(), s.padLeft())) {
                plans.add(new ConvolutionPlan(rows, columns, channels, s.kh(), s.kw(), s.oh(), s.ow(), s.w()));
            }
        }
        return List.copyOf(plans);
    }

    private static Conv2dSizes withoutBatch(Conv2dSizes s) {
        return new Conv2dSizes(1, s.c(), s.h(), s.w(), s.o(), s.kh(), s.kw(), s.strideH(), s.strideW(), s.padTop(), s.padBottom(),
                s.padLeft(), s.padRight(), s.dilationH(), s.dilationW(), s.groups(), s.oh(), s.ow());
    }
}
