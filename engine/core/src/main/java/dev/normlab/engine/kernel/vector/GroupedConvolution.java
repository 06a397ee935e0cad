package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.GroupTiles.TAP_WEIGHTS;
import static dev.normlab.engine.kernel.vector.GroupTiles.WIDTH;
import static dev.normlab.engine.kernel.vector.Lanes.V;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.Storage;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Forward pass and input gradient of convolutions with groups of eight channels, by [GroupTiles].
///
/// A chunk is a block of channels and a band of rows of one image, or the whole maps of a few; the input rows it needs are copied to a
/// scratch image with a frame of zeros left and right, and kernel rows outside the image are left out. Every result is the sum of eight
/// sums over the taps, in a fixed order, plus the bias, whatever the batch.
final class GroupedConvolution {

    // Input pixels of one chunk: a few images if they are small, a band if they are large.
    private static final int CHUNK_PIXELS = 2048;

    // In a kernel of fewer taps adding up the rotations takes longer than the products. (Phases of an input gradient may have fewer, and
    // are still faster than dense tiles.)
    private static final int FEWEST_TAPS = 3;

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

    // One axis forwards, as many as the stride backwards: result `r` belongs to axis `r % axes`.
    private final List<TapAxis> rows;
    private final List<TapAxis> columns;
    private final int firstColumn;
    private final int scratchColumns;
    private final int bandRows;
    private final int bands;
    private final int images;

    // By axes of rows and of columns: pairs of offsets into the scratch image and the weights, kernel row by kernel row.
    private final int[][][] taps;

    private record Form(boolean backward) {}

    private GroupedConvolution(Conv2dSizes s, boolean backward, float[] x, float[] weights, float[] bias, @Nullable Epilogue epilogue,
            float[] y) {
        this.s = s;
        this.x = x;
        this.weights = weights;
        this.bias = bias;
        this.epilogue = epilogue;
        this.y = y;
        height = backward ? s.oh() : s.h();
        width = backward ? s.ow() : s.w();
        outHeight = backward ? s.h() : s.oh();
        outWidth = backward ? s.w() : s.ow();
        rows = backward
                ? TapAxis.backward(s.h(), s.kh(), s.strideH(), s.dilationH(), s.padTop())
                : List.of(TapAxis.forward(s.oh(), s.kh(), s.strideH(), s.dilationH(), s.padTop()));
        columns = backward
                ? TapAxis.backward(s.w(), s.kw(), s.strideW(), s.dilationW(), s.padLeft())
                : List.of(TapAxis.forward(s.ow(), s.kw(), s.strideW(), s.dilationW(), s.padLeft()));
        int first = Integer.MAX_VALUE, end = Integer.MIN_VALUE;
        for (TapAxis axis : columns) {
            first = Math.min(first, axis.lowest());
            end = Math.max(end, (axis.count() - 1) * axis.step() + axis.highest() + 1);
        }
        firstColumn = first;
        scratchColumns = end - first;
        bandRows = bandRows(width, outHeight, outWidth);
        bands = (outHeight + bandRows - 1) / bandRows;
        images = bands > 1 ? 1 : Math.max(1, CHUNK_PIXELS / (height * width));
        taps = new int[rows.size()][columns.size()][];
        for (int i = 0; i < taps.length; i++) {
            for (int j = 0; j < taps[i].length; j++) {
                taps[i][j] = taps(rows.get(i), columns.get(j), backward);
            }
        }
    }

    /// Whether a convolution is of this kind.
    static boolean fits(Conv2dSizes s) {
        return GroupTiles.areSupported() && s.groups() > 1 && s.groupInputs() == WIDTH && s.groupOutputs() == WIDTH
                && s.kh() * s.kw() >= FEWEST_TAPS;
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
        int blocks = Lanes.blocks(s.o());
        float[] packed = workspace.packed(weight, new Form(backward), blocks * s.kh() * s.kw() * TAP_WEIGHTS,
                to -> pack(s, backward, weight.floats(), to));
        float[] biases = workspace.scratch(0, "convolution bias", blocks * V);
        Arrays.fill(biases, 0, blocks * V, 0f);
        if (bias != null) {
            System.arraycopy(bias, 0, biases, 0, s.o());
        }
        new GroupedConvolution(s, backward, x, packed, biases, epilogue, y).run(workspace);
    }

    // packed[block][tap][rotation][lane]: lanes are channels of the sum's input, rotations lead to those of the result
    private static void pack(Conv2dSizes s, boolean backward, float[] plain, float[] packed) {
        int taps = s.kh() * s.kw(), at = 0;
        for (int block = 0; block < Lanes.blocks(s.o()); block++) {
            for (int tap = 0; tap < taps; tap++) {
                for (int rotation = 0; rotation < WIDTH; rotation++) {
                    for (int lane = 0; lane < V; lane++) {
                        int channel = block * V + lane, group = channel / WIDTH, in = channel % WIDTH, out = (in + rotation) % WIDTH;
                        int o = backward ? in : out, c = backward ? out : in;
                        packed[at++] = channel < s.o() ? plain[((group * WIDTH + o) * WIDTH + c) * taps + tap] : 0f;
                    }
                }
            }
        }
    }

    // The taps of backward axes count from the end of the kernel.
    private int[] taps(TapAxis row, TapAxis column, boolean backward) {
        int[] pairs = new int[2 * row.taps().length * column.taps().length];
        int size = 0;
        for (int i = 0; i < row.taps().length; i++) {
            for (int j = 0; j < column.taps().length; j++) {
                int tap = row.taps()[i] * s.kw() + column.taps()[j];
                pairs[size++] = (row.offsets()[i] * scratchColumns + column.offsets()[j]) * V;
                pairs[size++] = (backward ? s.kh() * s.kw() - 1 - tap : tap) * TAP_WEIGHTS;
            }
        }
        return pairs;
    }

    private void run(Workspace workspace) {
        int blocks = Lanes.blocks(s.o()), units = (s.n() + images - 1) / images * bands, scratchRows = 1;
        for (int band = 0; band < bands; band++) {
            scratchRows = Math.max(scratchRows, endRow(endOf(band)) - firstRow(band * bandRows));
        }
        int scratchFloats = scratchRows * scratchColumns * V;
        workspace.workers().run(units * blocks, (chunk, worker) -> {
            float[] scratch = workspace.scratch(worker, "convolution image", scratchFloats);
            int unit = chunk / blocks, block = chunk % blocks, band = unit % bands, first = unit / bands * images;
            for (int image = first; image < Math.min(s.n(), first + images); image++) {
                band(image, block, band * bandRows, endOf(band), scratch);
            }
        });
    }

    private int endOf(int band) {
        return Math.min(outHeight, (band + 1) * bandRows);
    }

    // The first row of the input that the result rows from `row` on meet: of the next ones, one of each axis, the lowest.
    private int firstRow(int row) {
        int first = height;
        for (int i = row; i < Math.min(outHeight, row + rows.size()); i++) {
            TapAxis axis = rows.get(i % rows.size());
            first = Math.min(first, i / rows.size() * axis.step() + axis.lowest());
        }
        return Math.clamp(first, 0, height);
    }

    // The first row of the input behind those that the result rows before `end` meet.
    private int endRow(int end) {
        int last = 0;
        for (int i = Math.max(0, end - rows.size()); i < end; i++) {
            TapAxis axis = rows.get(i % rows.size());
            last = Math.max(last, i / rows.size() * axis.step() + axis.highest() + 1);
        }
        return Math.clamp(last, 0, height);
    }

    // Result rows from .. to - 1 of a block of channels of an image.
    private void band(int image, int block, int from, int to, float[] scratch) {
        int firstRow = firstRow(from), copied = Math.max(0, endRow(to) - firstRow);
        ScratchImage.copy(x, image, s.c(), height, width, false, block, firstRow, 1, copied, firstColumn, 1, scratchColumns, V, scratch, 0);
        for (int row = from; row < to; row++) {
            int write = ((image * Lanes.blocks(s.o()) + block) * outHeight + row) * outWidth * V;
            for (int axis = 0; axis < columns.size(); axis++) {
                row(block, row, axis, firstRow, scratch, write);
            }
        }
        if (epilogue != null) {
            epilogue.run(image, block, from * outWidth, to * outWidth);
        }
    }

    // The results of one axis of columns in one row.
    private void row(int block, int row, int columnAxis, int firstRow, float[] scratch, int write) {
        int rowAxis = row % rows.size(), line = scratchColumns * V;
        TapAxis own = rows.get(rowAxis), across = columns.get(columnAxis);
        int[] pairs = taps[rowAxis][columnAxis];
        int base = row / rows.size() * own.step(), from = 0, to = own.offsets().length, perRow = across.taps().length;
        // Offsets ascend: the kernel rows inside the image are neighbours.
        while (from < to && base + own.offsets()[from] < 0) {
            from++;
        }
        while (to > from && base + own.offsets()[to - 1] >= height) {
            to--;
        }
        int column = across.first(), step = across.every(), left = across.count();
        int xAt = (base - firstRow) * line - firstColumn * V, xStep = across.step() * V;
        int wAt = block * s.kh() * s.kw() * TAP_WEIGHTS;
        for (; GroupTiles.PAIRS && left > 1; left -= 2, column += 2 * step, xAt += 2 * xStep) {
            GroupTiles.two(scratch, xAt, xStep, weights, wAt, pairs, from * perRow, to * perRow, bias, block * V, y, write + column * V,
                    step * V);
        }
        for (; left > 0; left--, column += step, xAt += xStep) {
            GroupTiles.one(scratch, xAt, weights, wAt, pairs, from * perRow, to * perRow, bias, block * V, y, write + column * V);
        }
    }
}
