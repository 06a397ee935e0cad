package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.GroupTiles.PIXELS;
import static dev.normlab.engine.kernel.vector.GroupTiles.ROW_WEIGHTS;
import static dev.normlab.engine.kernel.vector.GroupTiles.WIDTH;
import static dev.normlab.engine.kernel.vector.Lanes.V;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.Storage;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Forward pass and input gradient of convolutions with groups of eight channels and kernels three columns wide, strides 1 and 2, by
/// [GroupTiles].
///
/// A chunk is a block of channels and a band of rows of one image, or the whole maps of a few; the input rows it needs are copied to a
/// scratch image with a frame of zeros left and right, and kernel rows outside the image are left out. Every result is the bias plus one
/// sum in the order of kernel rows, input channels and taps (or of input channels and pixels for stride 2's gradient), whatever the batch.
final class GroupedConvolution {

    // Input pixels of one chunk: a few images if they are small, a band if they are large.
    private static final int CHUNK_PIXELS = 2048;

    private final Conv2dSizes s;
    private final boolean backward;
    private final float[] x;
    private final float[] weights;
    private final float[] bias;
    private final @Nullable Epilogue epilogue;
    private final float[] y;
    private final int height;
    private final int width;
    private final int outHeight;
    private final int outWidth;

    // Results of a tile, the first input column of the scratch image, and its columns.
    private final int tile;
    private final int firstColumn;
    private final int scratchColumns;
    private final int bandRows;
    private final int bands;
    private final int images;

    private record Form(boolean backward, int stride) {}

    private GroupedConvolution(Conv2dSizes s, boolean backward, float[] x, float[] weights, float[] bias, @Nullable Epilogue epilogue,
            float[] y) {
        this.s = s;
        this.backward = backward;
        this.x = x;
        this.weights = weights;
        this.bias = bias;
        this.epilogue = epilogue;
        this.y = y;
        height = backward ? s.oh() : s.h();
        width = backward ? s.ow() : s.w();
        outHeight = backward ? s.h() : s.oh();
        outWidth = backward ? s.w() : s.ow();
        boolean transposed2 = backward && s.strideW() == 2;
        tile = transposed2 ? 2 * PIXELS : PIXELS;
        firstColumn = transposed2 ? 0 : backward ? s.padLeft() - 2 : -s.padLeft();
        int tiles = (outWidth + tile - 1) / tile;
        scratchColumns = transposed2 ? tiles * PIXELS + 1 : (tiles * PIXELS - 1) * (backward ? 1 : s.strideW()) + 3;
        bandRows = bandRows(width, outHeight, outWidth);
        bands = (outHeight + bandRows - 1) / bandRows;
        images = bands > 1 ? 1 : Math.max(1, CHUNK_PIXELS / (height * width));
    }

    /// Whether a convolution is of this kind.
    static boolean fits(Conv2dSizes s) {
        return GroupTiles.areSupported() && s.groups() > 1 && s.groupInputs() == WIDTH && s.groupOutputs() == WIDTH && s.kw() == 3
                && s.dilationH() == 1 && s.dilationW() == 1 && s.strideH() == s.strideW()
                && (s.strideW() == 1 || s.strideW() == 2 && s.padLeft() == 1 && s.w() % 2 == 0);
    }

    /// Pixels of a plane that the forward pass completes together.
    static int bandPixels(Conv2dSizes s) {
        return bandRows(s.w(), s.oh(), s.ow()) * s.ow();
    }

    private static int bandRows(int width, int outHeight, int outWidth) {
        return Math.clamp(CHUNK_PIXELS / Math.max(width, outWidth), 1, outHeight);
    }

    /// `y` of the forward pass.
    static void forward(Conv2dSizes s, float[] x, Storage weight, float @Nullable [] bias, @Nullable Epilogue epilogue, float[] y,
            Workspace workspace) {
        run(s, false, x, weight, bias, epilogue, y, workspace);
    }

    /// `dx`.
    static void backwardInput(Conv2dSizes s, float[] dOut, Storage weight, float[] dx, Workspace workspace) {
        run(s, true, dOut, weight, null, null, dx, workspace);
    }

    private static void run(Conv2dSizes s, boolean backward, float[] x, Storage weight, float @Nullable [] bias,
            @Nullable Epilogue epilogue, float[] y, Workspace workspace) {
        float[] packed = workspace.packed(weight, new Form(backward, s.strideW()), s.groups() * s.kh() * ROW_WEIGHTS,
                to -> pack(s, backward,
                        weight.floats(), to));
        float[] biases = workspace.scratch(0, "convolution bias", Lanes.blocks(s.o()) * V);
        Arrays.fill(biases, 0, Lanes.blocks(s.o()) * V, 0f);
        if (bias != null) {
            System.arraycopy(bias, 0, biases, 0, s.o());
        }
        new GroupedConvolution(s, backward, x, packed, biases, epilogue, y).run(workspace);
    }

    // packed[group][kernel row][k][tap][lane]: lanes are the channels of the result, k those of the sum's input
    private static void pack(Conv2dSizes s, boolean backward, float[] plain, float[] packed) {
        boolean mirrored = backward && s.strideW() == 1;
        int at = 0;
        for (int group = 0; group < s.groups(); group++) {
            for (int row = 0; row < s.kh(); row++) {
                for (int k = 0; k < WIDTH; k++) {
                    for (int tap = 0; tap < 3; tap++) {
                        for (int lane = 0; lane < WIDTH; lane++) {
                            int o = backward ? k : lane, c = backward ? lane : k;
                            packed[at++] = plain[(((group * WIDTH + o) * WIDTH + c) * s.kh() + row) * 3 + (mirrored ? 2 - tap : tap)];
                        }
                    }
                }
            }
        }
    }

    private void run(Workspace workspace) {
        int blocks = Lanes.blocks(s.o()), units = (s.n() + images - 1) / images * bands;
        int scratchRows = Math.min(height, backward ? bandRows + s.kh() : (bandRows - 1) * s.strideH() + s.kh());
        workspace.workers().run(units * blocks, (chunk, worker) -> {
            float[] scratch = workspace.scratch(worker, "convolution image", scratchRows * scratchColumns * V);
            float[] edge = workspace.scratch(worker, "convolution sums", tile * V);
            int unit = chunk / blocks, block = chunk % blocks, band = unit % bands, first = unit / bands * images;
            for (int image = first; image < Math.min(s.n(), first + images); image++) {
                band(image, block, band * bandRows, Math.min(outHeight, (band + 1) * bandRows), scratch, edge);
            }
        });
    }

    // Result rows from .. to - 1 of a block of channels of an image.
    private void band(int image, int block, int from, int to, float[] scratch, float[] edge) {
        int firstRow = Math.max(0, firstInputRow(from)), endRow = Math.min(height, endInputRow(to - 1));
        int rows = Math.max(0, endRow - firstRow);
        ScratchImage.copy(x, image, s.c(), height, width, false, block, firstRow, 1, rows, firstColumn, 1, scratchColumns, V, scratch, 0);
        for (int group = block * V / WIDTH; group < Math.min(s.groups(), (block + 1) * V / WIDTH); group++) {
            int channel = group * WIDTH % V;
            for (int row = from; row < to; row++) {
                int write = ((image * Lanes.blocks(s.o()) + block) * outHeight + row) * outWidth * V + channel;
                row(group, row, firstRow, scratch, channel, edge, write);
            }
        }
        zeroAbsentGroups(image, block, from, to);
        if (epilogue != null) {
            epilogue.run(image, block, from * outWidth, to * outWidth);
        }
    }

    // The input row that the first kernel row meets (forward) or the lowest one that any does (backward).
    private int firstInputRow(int row) {
        return backward ? Math.ceilDiv(row + s.padTop() - s.kh() + 1, s.strideH()) : row * s.strideH() - s.padTop();
    }

    private int endInputRow(int row) {
        return backward ? Math.floorDiv(row + s.padTop(), s.strideH()) + 1 : row * s.strideH() - s.padTop() + s.kh();
    }

    // One row of results of a group. Forwards, kernel rows and input rows ascend together; backwards, input rows descend.
    private void row(int group, int row, int firstRow, float[] scratch, int channel, float[] edge, int write) {
        int low = Math.max(0, firstInputRow(row)), high = Math.min(height, endInputRow(row)), count = Math.max(0, high - low);
        int kernelRow = backward ? row + s.padTop() - (high - 1) * s.strideH() : low - row * s.strideH() + s.padTop();
        int kernelStep = backward ? s.strideH() : 1, line = scratchColumns * V;
        int xAt = ((backward ? high - 1 : low) - firstRow) * line + channel, xStep = backward ? -line : line;
        int wAt = (group * s.kh() + kernelRow) * ROW_WEIGHTS, wStep = kernelStep * ROW_WEIGHTS, biasAt = group * WIDTH;
        int pixelStep = backward || s.strideW() == 1 ? PIXELS * V : 2 * PIXELS * V;
        for (int column = 0; column < outWidth; column += tile) {
            boolean whole = column + tile <= outWidth;
            float[] to = whole ? y : edge;
            tile(xAt + column / tile * pixelStep, xStep, wAt, wStep, count, scratch, biasAt, to, whole ? write + column * V : 0);
            for (int i = column; !whole && i < outWidth; i++) {
                System.arraycopy(edge, (i - column) * V, y, write + i * V, WIDTH);
            }
        }
    }

    private void tile(int xAt, int xStep, int wAt, int wStep, int rows, float[] scratch, int biasAt, float[] to, int at) {
        if (s.strideW() == 1) {
            GroupTiles.stride1(scratch, xAt, xStep, weights, wAt, wStep, rows, bias, biasAt, to, at);
        } else if (backward) {
            GroupTiles.transposed2(scratch, xAt, xStep, weights, wAt, wStep, rows, bias, biasAt, to, at);
        } else {
            GroupTiles.stride2(scratch, xAt, xStep, weights, wAt, wStep, rows, bias, biasAt, to, at);
        }
    }

    // Lanes of the last block that belong to no group are zero, as in every blocked activation.
    private void zeroAbsentGroups(int image, int block, int from, int to) {
        int channels = Lanes.channelsInBlock(s.o(), block);
        for (int i = from * outWidth; channels < V && i < to * outWidth; i++) {
            int at = ((image * Lanes.blocks(s.o()) + block) * outHeight * outWidth + i) * V;
            Arrays.fill(y, at + channels, at + V, 0f);
        }
    }
}
