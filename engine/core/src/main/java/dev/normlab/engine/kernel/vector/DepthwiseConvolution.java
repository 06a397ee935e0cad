package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.load;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.Storage;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/// Depthwise convolutions, every channel a group of its own: forward pass with any stride, and input gradient of stride 1, which is the
/// same with mirrored taps. The weight gradient is [DepthwiseGradient].
///
/// A vector holds a block of channels of one pixel. A chunk is a band of rows of one block of one image; its input is copied to a scratch
/// image with a frame of zeros, and eight neighbouring results are summed tap by tap.
final class DepthwiseConvolution {

    private static final int PIXELS = 8;

    // Input pixels of a band: they should stay in the first two levels of the cache.
    private static final int BAND_PIXELS = 2048;

    private final Conv2dSizes s;
    private final float[] x;
    private final float[] weights;
    private final float[] bias;
    private final @Nullable Epilogue epilogue;
    private final float[] y;

    private final int height;
    private final int width;
    private final int outHeight;
    private final int outWidth;
    private final int top;
    private final int left;
    private final int bandRows;
    private final int scratchRows;
    private final int scratchColumns;
    private final int[] inputs;

    private record Form(boolean backward) {}

    private DepthwiseConvolution(Conv2dSizes s, boolean backward, float[] x, float[] weights, float[] bias, @Nullable Epilogue epilogue,
            float[] y) {
        this.s = s;
        this.x = x;
        this.weights = weights;
        this.bias = bias;
        this.epilogue = epilogue;
        this.y = y;
        int reachRows = (s.kh() - 1) * s.dilationH(), reachColumns = (s.kw() - 1) * s.dilationW();
        height = backward ? s.oh() : s.h();
        width = backward ? s.ow() : s.w();
        outHeight = backward ? s.h() : s.oh();
        outWidth = backward ? s.w() : s.ow();
        top = backward ? s.padTop() - reachRows : -s.padTop();
        left = backward ? s.padLeft() - reachColumns : -s.padLeft();
        scratchColumns = scratchColumns(s, outWidth);
        bandRows = bandRows(s, scratchColumns, outHeight);
        scratchRows = (bandRows - 1) * s.strideH() + reachRows + 1;
        inputs = inputs(s, scratchColumns);
    }

    private static int scratchColumns(Conv2dSizes s, int outWidth) {
        return (Math.ceilDiv(outWidth, PIXELS) * PIXELS - 1) * s.strideW() + (s.kw() - 1) * s.dilationW() + 1;
    }

    private static int bandRows(Conv2dSizes s, int scratchColumns, int outHeight) {
        return Math.clamp(BAND_PIXELS / (scratchColumns * s.strideH()), 1, outHeight);
    }

    /// Pixels of a plane that the forward pass completes together.
    static int bandPixels(Conv2dSizes s) {
        return bandRows(s, scratchColumns(s, s.ow()), s.oh()) * s.ow();
    }

    /// Whether a convolution is depthwise, on blocked activations.
    static boolean fits(Conv2dSizes s) {
        return s.groups() == s.c() && s.o() == s.c() && !VectorKernels.isPlain(s.c());
    }

    /// Whether its input gradient is done here.
    static boolean fitsBackward(Conv2dSizes s) {
        return fits(s) && s.strideH() == 1 && s.strideW() == 1;
    }

    /// Where the taps of a pixel lie in a scratch image of so many columns.
    static int[] inputs(Conv2dSizes s, int columns) {
        int[] inputs = new int[s.kh() * s.kw()];
        Arrays.setAll(inputs, t -> (t / s.kw() * s.dilationH() * columns + t % s.kw() * s.dilationW()) * V);
        return inputs;
    }

    /// `y` of the forward pass.
    static void forward(Conv2dSizes s, float[] x, Storage weight, float @Nullable [] bias, @Nullable Epilogue epilogue, float[] y,
            Workspace workspace) {
        run(s, false, x, weight, bias, epilogue, y, workspace);
    }

    /// `dx`, for stride 1.
    static void backwardInput(Conv2dSizes s, float[] dOut, Storage weight, float[] dx, Workspace workspace) {
        run(s, true, dOut, weight, null, null, dx, workspace);
    }

    private static void run(Conv2dSizes s, boolean backward, float[] x, Storage weight, float @Nullable [] bias,
            @Nullable Epilogue epilogue, float[] y, Workspace workspace) {
        int channels = Lanes.blocks(s.c()) * V;
        float[] packed = workspace.packed(weight, new Form(backward), channels * s.kh() * s.kw(), to -> pack(s, backward, weight.floats(),
                to));
        float[] biases = workspace.scratch(0, "convolution bias", channels);
        Arrays.fill(biases, 0, channels, 0f);
        if (bias != null) {
            System.arraycopy(bias, 0, biases, 0, s.o());
        }
        new DepthwiseConvolution(s, backward, x, packed, biases, epilogue, y).run(workspace);
    }

    // packed[block][tap][lane]
    private static void pack(Conv2dSizes s, boolean backward, float[] plain, float[] packed) {
        int taps = s.kh() * s.kw();
        Arrays.fill(packed, 0f);
        for (int c = 0; c < s.c(); c++) {
            for (int tap = 0; tap < taps; tap++) {
                packed[(c / V * taps + tap) * V + c % V] = plain[c * taps + (backward ? taps - 1 - tap : tap)];
            }
        }
    }

    private void run(Workspace workspace) {
        int blocks = Lanes.blocks(s.c()), bands = (outHeight + bandRows - 1) / bandRows;
        workspace.workers().run(s.n() * blocks * bands, (chunk, worker) -> {
            int band = chunk % bands, block = chunk / bands % blocks, image = chunk / bands / blocks;
            float[] scratch = workspace.scratch(worker, "convolution image", scratchRows * scratchColumns * V);
            float[] edge = workspace.scratch(worker, "convolution sums", PIXELS * V);
            int from = band * bandRows, to = Math.min(outHeight, from + bandRows);
            ScratchImage.copy(x, image, s.c(), height, width, false, block, from * s.strideH() + top, 1, scratchRows, left, 1,
                    scratchColumns, V, scratch, 0);
            for (int row = from; row < to; row++) {
                int write = ((image * blocks + block) * outHeight + row) * outWidth * V;
                row(block, (row - from) * s.strideH() * scratchColumns * V, scratch, edge, write);
            }
            if (epilogue != null) {
                epilogue.run(image, block, from * outWidth, to * outWidth);
            }
        });
    }

    private void row(int block, int read, float[] scratch, float[] edge, int write) {
        int step = s.strideW() * V;
        for (int column = 0; column < outWidth; column += PIXELS) {
            if (column + PIXELS <= outWidth) {
                tile(scratch, read + column * step, step, block, y, write + column * V);
            } else {
                tile(scratch, read + column * step, step, block, edge, 0);
                System.arraycopy(edge, 0, y, write + column * V, (outWidth - column) * V);
            }
        }
    }

    // Eight results whose inputs lie `step` floats apart.
    private void tile(float[] scratch, int at, int step, int block, float[] to, int toAt) {
        int[] places = inputs;
        float[] w = weights;
        int wAt = block * places.length * V;
        FloatVector a0 = load(bias, block * V);
        FloatVector a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0, a7 = a0;
        for (int t = 0; t < places.length; t++) {
            FloatVector tap = load(w, wAt + t * V);
            int k = at + places[t];
            a0 = load(scratch, k).fma(tap, a0);
            a1 = load(scratch, k + step).fma(tap, a1);
            a2 = load(scratch, k + 2 * step).fma(tap, a2);
            a3 = load(scratch, k + 3 * step).fma(tap, a3);
            a4 = load(scratch, k + 4 * step).fma(tap, a4);
            a5 = load(scratch, k + 5 * step).fma(tap, a5);
            a6 = load(scratch, k + 6 * step).fma(tap, a6);
            a7 = load(scratch, k + 7 * step).fma(tap, a7);
        }
        a0.intoArray(to, toAt);
        a1.intoArray(to, toAt + V);
        a2.intoArray(to, toAt + 2 * V);
        a3.intoArray(to, toAt + 3 * V);
        a4.intoArray(to, toAt + 4 * V);
        a5.intoArray(to, toAt + 5 * V);
        a6.intoArray(to, toAt + 6 * V);
        a7.intoArray(to, toAt + 7 * V);
    }
}
