package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.ConvolutionAlgorithm.DIRECT;
import static dev.normlab.engine.kernel.ConvolutionAlgorithm.WINOGRAD_2;
import static dev.normlab.engine.kernel.ConvolutionAlgorithm.WINOGRAD_4;
import static dev.normlab.engine.kernel.ConvolutionAlgorithm.WINOGRAD_MAP_2;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.ConvolutionAlgorithm;
import dev.normlab.engine.kernel.ConvolutionPass;

/// Which algorithm computes a convolution in the fast mode: a model of the time that each would take for one image, from the sizes alone.
///
/// Never a function of the batch: an image's result must not depend on the other images. The constants are vector operations of `V` lanes,
/// fitted to measurements (see `docs/performance.md`).
final class ConvolutionChoice {

    // Transforming the inputs or outputs of one tile and channel block, in products of the inner loop, for each product of the algorithm.
    private static final double TRANSFORM = 8;

    // Products of direct sums cost less, because their inner loops are longer.
    private static final double DIRECT_PRODUCT = 0.9;

    private ConvolutionChoice() {}

    /// The cheapest algorithm for this pass.
    static ConvolutionAlgorithm of(Conv2dSizes s, ConvolutionPass pass) {
        boolean regular = s.kh() == 3 && s.kw() == 3 && s.strideH() == 1 && s.strideW() == 1 && s.dilationH() == 1 && s.dilationW() == 1;
        if (!regular || s.groups() > 1 || VectorKernels.isPlain(s.c()) || VectorKernels.isPlain(s.o()) || s.oh() < 1 || s.ow() < 1) {
            return DIRECT;
        }
        // The input gradient is a convolution of the output's gradient; the weight gradient needs the tiles of the forward pass.
        boolean turned = pass == ConvolutionPass.BACKWARD_INPUT;
        int height = turned ? s.h() : s.oh(), width = turned ? s.w() : s.ow();
        double inputs = Lanes.blocks(s.c()) * (double) Lanes.V, outputs = Lanes.blocks(s.o());
        ConvolutionAlgorithm best = DIRECT;
        double least = DIRECT_PRODUCT * inputs * outputs * meetings(s.oh(), s.h(), s.padTop()) * meetings(s.ow(), s.w(), s.padLeft());
        for (ConvolutionAlgorithm algorithm : new ConvolutionAlgorithm[] {WINOGRAD_2, WINOGRAD_4, WINOGRAD_MAP_2}) {
            if (algorithm == WINOGRAD_MAP_2 && !isPaddedMapOfTwo(s)) {
                continue;
            }
            WinogradTransforms t = WinogradTransforms.of(algorithm).orElseThrow();
            int m = t.outputs(), tiles = (height + m - 1) / m * ((width + m - 1) / m);
            double cost = (double) tiles * t.frequencies() * t.frequencies()
                    * (inputs * outputs + TRANSFORM * (inputs / Lanes.V + outputs));
            if (cost < least) {
                best = algorithm;
                least = cost;
            }
        }
        return best;
    }

    // Pairs of an output position and a tap that meet the image, along one axis.
    private static int meetings(int outputs, int inputs, int pad) {
        int count = 0;
        for (int i = 0; i < outputs; i++) {
            for (int tap = 0; tap < 3; tap++) {
                count += i + tap >= pad && i + tap < pad + inputs ? 1 : 0;
            }
        }
        return count;
    }

    private static boolean isPaddedMapOfTwo(Conv2dSizes s) {
        return s.h() == 2 && s.w() == 2 && s.padTop() == 1 && s.padLeft() == 1 && s.oh() == 2 && s.ow() == 2;
    }
}
