package dev.normlab.engine.kernel.vector;

import dev.normlab.engine.kernel.BatchNormKernels;
import dev.normlab.engine.kernel.BatchNormSizes;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.ConvolutionAlgorithm;
import dev.normlab.engine.kernel.ConvolutionKernels;
import dev.normlab.engine.kernel.ConvolutionMode;
import dev.normlab.engine.kernel.ConvolutionNorm;
import dev.normlab.engine.kernel.ConvolutionPass;
import dev.normlab.engine.kernel.Recent;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.Storage;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Direct convolutions on channel-blocked activations.
///
/// The forward pass is one [ConvolutionProduct]; the input gradient is one for each residue of the input position modulo the stride; the
/// weight gradient is a [ConvolutionGradient]. All sizes, strides, dilations and groups run through the same loops; which of them ("bands"
/// or "positions") depends on the sizes of one image alone. Plans are pure functions of the sizes; the latest are kept. Groups of eight
/// channels and depthwise convolutions have loops of their own, [GroupedConvolution] and [DepthwiseConvolution], and so has the input
/// gradient of a first layer, [FewChannelGradient].
final class VectorConvolutions implements ConvolutionKernels {

    // Of each kind: more than the convolutions of a large network at a few sizes of images.
    private static final int MOST_PLANS = 256;

    private final Recent<Conv2dSizes, List<ConvolutionPlan>> forwardPlans = new Recent<>(MOST_PLANS);
    private final Recent<Conv2dSizes, List<ConvolutionPlan>> backwardPlans = new Recent<>(MOST_PLANS);
    private final Recent<Conv2dSizes, GradientPlan> gradientPlans = new Recent<>(MOST_PLANS);

    private final ConvolutionMode mode;
    private final Recent<Conv2dSizes, Optional<WinogradPlan>> winogradForward = new Recent<>(MOST_PLANS);
    private final Recent<Conv2dSizes, Optional<WinogradPlan>> winogradBackward = new Recent<>(MOST_PLANS);
    private final Recent<Conv2dSizes, Optional<WinogradPlan>> winogradGradient = new Recent<>(MOST_PLANS);

    private final BatchNormKernels batchNorms;

    VectorConvolutions(ConvolutionMode mode, BatchNormKernels batchNorms) {
        this.mode = mode;
        this.batchNorms = batchNorms;
    }

    @Override
    public ConvolutionAlgorithm algorithm(Conv2dSizes s, ConvolutionPass pass) {
        return mode == ConvolutionMode.EXACT ? ConvolutionAlgorithm.DIRECT : ConvolutionChoice.of(s, pass);
    }

    @Override
    public void conv2dForward(Conv2dSizes s, Storage x, Storage weight, @Nullable Storage bias, Storage y, Workspace workspace) {
        forward(s, x, weight, bias, null, y, workspace);
    }

    @Override
    public void conv2dForwardNormalised(Conv2dSizes s, Storage x, Storage weight, @Nullable Storage bias, ConvolutionNorm norm, Storage y,
            Workspace workspace) {
        if (y.layout().isBlocked()) {
            forward(s, x, weight, bias, new NormalisingEpilogue(norm, y, workspace), y, workspace);
        } else {
            forward(s, x, weight, bias, null, y, workspace);
            norm.apply(batchNorms, y, workspace);
        }
    }

    @Override
    public void conv2dForwardStatistics(Conv2dSizes s, Storage x, Storage weight, @Nullable Storage bias, Storage y, Storage mean,
            Storage var, Workspace workspace) {
        BatchNormSizes norm = BatchNormSizes.behind(s);
        if (!y.layout().isBlocked() || !PlaneStatistics.areBands(bandPixels(s), norm.pixels())) {
            forward(s, x, weight, bias, null, y, workspace);
            batchNorms.statistics(norm, y, mean, var, workspace);
            return;
        }
        PlaneStatistics statistics = new PlaneStatistics(new Planes(s.n(), s.o(), norm.pixels()), y.floats(), workspace);
        forward(s, x, weight, bias, statistics, y, workspace);
        statistics.combine(mean.floats(), var.floats(), workspace);
    }

    /// Pixels of an output plane that the forward pass completes together; 1 where these are no bands, but tiles.
    private int bandPixels(Conv2dSizes s) {
        if (GroupedConvolution.fits(s)) {
            return GroupedConvolution.bandPixels(s);
        }
        if (DepthwiseConvolution.fits(s)) {
            return DepthwiseConvolution.bandPixels(s);
        }
        if (winogradForward.get(withoutBatch(s), this::winogradForward).isPresent()) {
            return 1;
        }
        return forwardPlans.get(withoutBatch(s), VectorConvolutions::forwardPlan).getFirst().bandPixels();
    }

    private void forward(Conv2dSizes s, Storage x, Storage weight, @Nullable Storage bias, @Nullable Epilogue epilogue, Storage y,
            Workspace workspace) {
        if (GroupedConvolution.fits(s)) {
            GroupedConvolution.forward(s, x.floats(), weight, bias == null ? null : bias.floats(), epilogue, y.floats(), workspace);
            return;
        }
        if (DepthwiseConvolution.fits(s)) {
            DepthwiseConvolution.forward(s, x.floats(), weight, bias == null ? null : bias.floats(), epilogue, y.floats(), workspace);
            return;
        }
        Optional<WinogradPlan> winograd = winogradForward.get(withoutBatch(s), this::winogradForward);
        if (winograd.isPresent()) {
            float[] packed = WinogradWeights.packed(s, false, winograd.get(), weight, workspace);
            new WinogradProduct(winograd.get(), s.n(), x.floats(), packed, bias == null ? null : bias.floats(), epilogue, y.floats())
                    .run(workspace);
            return;
        }
        List<ConvolutionPlan> plans = forwardPlans.get(withoutBatch(s), VectorConvolutions::forwardPlan);
        float[] packed = ConvolutionWeights.packed(s, false, plans.getFirst().channels, weight, workspace);
        for (ConvolutionPlan plan : plans) {
            new ConvolutionProduct(plan, s.n(), s.h(), s.w(), x.floats(), packed, bias == null ? null : bias.floats(), epilogue, y.floats(),
                    s.oh() * s.ow(), s.ow(), VectorKernels.isPlain(s.o())).run(workspace);
        }
    }

    @Override
    public void conv2dBackwardInput(Conv2dSizes s, Storage dOut, Storage weight, Storage dx, Workspace workspace) {
        if (GroupedConvolution.fits(s)) {
            GroupedConvolution.backwardInput(s, dOut.floats(), weight, dx.floats(), workspace);
            return;
        }
        if (DepthwiseConvolution.fitsBackward(s)) {
            DepthwiseConvolution.backwardInput(s, dOut.floats(), weight, dx.floats(), workspace);
            return;
        }
        if (FewChannelGradient.fits(s)) {
            FewChannelGradient.backwardInput(s, dOut.floats(), weight, dx.floats(), workspace);
            return;
        }
        Optional<WinogradPlan> winograd = winogradBackward.get(withoutBatch(s), this::winogradBackward);
        if (winograd.isPresent()) {
            float[] packed = WinogradWeights.packed(s, true, winograd.get(), weight, workspace);
            new WinogradProduct(winograd.get(), s.n(), dOut.floats(), packed, null, null, dx.floats()).run(workspace);
            return;
        }
        List<ConvolutionPlan> plans = backwardPlans.get(withoutBatch(s), VectorConvolutions::backwardPlans);
        float[] packed = ConvolutionWeights.packed(s, true, plans.getFirst().channels, weight, workspace);
        for (ConvolutionPlan plan : plans) {
            new ConvolutionProduct(plan, s.n(), s.oh(), s.ow(), dOut.floats(), packed, null, null, dx.floats(), s.h() * s.w(), s.w(),
                    VectorKernels.isPlain(s.c()))
                    .run(workspace);
        }
    }

    @Override
    public void conv2dBackwardWeight(Conv2dSizes s, Storage x, Storage dOut, Storage dWeight, Workspace workspace) {
        if (DepthwiseConvolution.fits(s)) {
            new DepthwiseGradient(s, x.floats(), dOut.floats(), dWeight.floats()).run(workspace);
            return;
        }
        Optional<WinogradPlan> winograd = winogradGradient.get(withoutBatch(s), this::winogradGradient);
        if (winograd.isPresent() && s.n() > 0) {
            new WinogradGradient(winograd.get(), s.n(), x.floats(), dOut.floats(), dWeight.floats()).run(workspace);
            return;
        }
        if (GroupedGradient.fits(s)) {
            new GroupedGradient(s, x.floats(), dOut.floats(), dWeight.floats()).run(workspace);
            return;
        }
        GradientPlan plan = gradientPlans.get(withoutBatch(s),
                sizes -> new GradientPlan(sizes, VectorKernels.isPlain(sizes.c())));
        new ConvolutionGradient(plan, s, x.floats(), dOut.floats(), VectorKernels.isPlain(s.o()), dWeight.floats()).run(workspace);
    }

    private Optional<WinogradPlan> winogradForward(Conv2dSizes s) {
        return WinogradTransforms.of(algorithm(s, ConvolutionPass.FORWARD)).map(transforms -> WinogradPlan.forward(transforms, s));
    }

    private Optional<WinogradPlan> winogradGradient(Conv2dSizes s) {
        return WinogradTransforms.of(algorithm(s, ConvolutionPass.BACKWARD_WEIGHT)).map(transforms -> WinogradPlan.forward(transforms, s));
    }

    private Optional<WinogradPlan> winogradBackward(Conv2dSizes s) {
        return WinogradTransforms.of(algorithm(s, ConvolutionPass.BACKWARD_INPUT)).map(transforms -> WinogradPlan.backward(transforms, s));
    }

    private static List<ConvolutionPlan> forwardPlan(Conv2dSizes s) {
        ChannelGroups channels = ChannelGroups.of(s.c(), s.o(), s.groups(), VectorKernels.isPlain(s.c()), TileProducts.MAX_VECTORS);
        TapAxis rows = TapAxis.forward(s.oh(), s.kh(), s.strideH(), s.dilationH(), s.padTop());
        TapAxis columns = TapAxis.forward(s.ow(), s.kw(), s.strideW(), s.dilationW(), s.padLeft());
        return List.of(new ConvolutionPlan(rows, columns, channels, s.kh(), s.kw(), s.h(), s.w(), s.oh(), s.ow()));
    }

    private static List<ConvolutionPlan> backwardPlans(Conv2dSizes s) {
        ChannelGroups channels = ChannelGroups.of(s.o(), s.c(), s.groups(), VectorKernels.isPlain(s.o()), TileProducts.MAX_VECTORS);
        List<ConvolutionPlan> plans = new ArrayList<>();
        for (TapAxis rows : TapAxis.backward(s.h(), s.kh(), s.strideH(), s.dilationH(), s.padTop())) {
            for (TapAxis columns : TapAxis.backward(s.w(), s.kw(), s.strideW(), s.dilationW(), s.padLeft())) {
                plans.add(new ConvolutionPlan(rows, columns, channels, s.kh(), s.kw(), s.oh(), s.ow(), s.h(), s.w()));
            }
        }
        return List.copyOf(plans);
    }

    private static Conv2dSizes withoutBatch(Conv2dSizes s) {
        return new Conv2dSizes(1, s.c(), s.h(), s.w(), s.o(), s.kh(), s.kw(), s.strideH(), s.strideW(), s.padTop(), s.padBottom(),
                s.padLeft(), s.padRight(), s.dilationH(), s.dilationW(), s.groups(), s.oh(), s.ow());
    }
}
