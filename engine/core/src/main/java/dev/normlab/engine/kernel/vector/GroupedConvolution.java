package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.GroupTiles.TAP_WEIGHTS;
import static dev.normlab.engine.kernel.vector.GroupTiles.WIDTH;
import static dev.normlab.engine.kernel.vector.Lanes.V;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.Storage;
import java.util.Arrays;
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
    private final ConvolutionAxis rows;
    private final ConvolutionAxis columns;
    private final int firstColumn;
    private final int scratchColumns;
    private final int bandRows;
    private final int bands;
    private final int images;

    // Taps that a kernel row has for a phase of columns; by result row, which of the kernel rows it meets lie inside the image.
    private final int[] tapsPerRow;
    private final int[] fromRow;
    private final int[] toRow;

    // By phase of rows and of columns: pairs of offsets into the scratch image and the weights, kernel row by kernel row.
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
        rows = ConvolutionAxis.rows(s, backward);
        columns = ConvolutionAxis.columns(s, backward);
        firstColumn = columns.firstInput(0);
        scratchColumns = Math.max(1, columns.endInput(columns.results() - 1) - firstColumn);
        bandRows = bandRows(columns.inputs(), rows.results(), columns.results());
        bands = (rows.results() + bandRows - 1) / bandRows;
        images = bands > 1 ? 1 : Math.max(1, CHUNK_PIXELS / (rows.inputs() * columns.inputs()));
        tapsPerRow = new int[columns.phases()];
        for (int phase = 0; phase < tapsPerRow.length; phase++) {
            tapsPerRow[phase] = columns.met(phase);
        }
        fromRow = new int[rows.results()];
        toRow = new int[rows.results()];
        for (int row = 0; row < rows.results(); row++) {
            findRows(row);
        }
        taps = new int[rows.phases()][columns.phases()][];
        for (int i = 0; i < rows.phases(); i++) {
            for (int j = 0; j < columns.phases(); j++) {
                taps[i][j] = taps(i, j);
            }
        }
    }

    // Positions ascend or descend with the kernel's rows: those inside the image are neighbours.
    private void findRows(int row) {
        int phase = rows.phase(row), number = 0;
        for (int tap = 0; tap < rows.taps(); tap++) {
            if (rows.meets(phase, tap)) {
                int input = rows.base(row) + rows.offset(phase, tap);
                if (input >= 0 && input < rows.inputs()) {
                    fromRow[row] = toRow[row] == 0 ? number : fromRow[row];
                    toRow[row] = number + 1;
                }
                number++;
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

    private int[] taps(int rowPhase, int columnPhase) {
        int[] pairs = new int[2 * rows.taps() * columns.taps()];
        int size = 0;
        for (int row = 0; row < rows.taps(); row++) {
            for (int column = 0; column < columns.taps(); column++) {
                if (rows.meets(rowPhase, row) && columns.meets(columnPhase, column)) {
                    pairs[size++] = (rows.offset(rowPhase, row) * scratchColumns + columns.offset(columnPhase, column)) * V;
                    pairs[size++] = (row * columns.taps() + column) * TAP_WEIGHTS;
                }
            }
        }
        return Arrays.copyOf(pairs, size);
    }

    private void run(Workspace workspace) {
        int blocks = Lanes.blocks(s.o()), units = (s.n() + images - 1) / images * bands;
        int scratchRows = Math.min(rows.inputs(), Math.max(1, rows.endInput(bandRows - 1) - rows.firstInput(0) + 1));
        workspace.workers().run(units * blocks, (chunk, worker) -> {
            float[] scratch = workspace.scratch(worker, "convolution image", scratchRows * scratchColumns * V);
            int unit = chunk / blocks, block = chunk % blocks, band = unit % bands, first = unit / bands * images;
            for (int image = first; image < Math.min(s.n(), first + images); image++) {
                band(image, block, band * bandRows, Math.min(rows.results(), (band + 1) * bandRows), scratch);
            }
        });
    }

    // Result rows from .. to - 1 of a block of channels of an image.
    private void band(int image, int block, int from, int to, float[] scratch) {
        int firstRow = Math.clamp(rows.firstInput(from), 0, rows.inputs());
        int endRow = Math.clamp(rows.endInput(to - 1), firstRow, rows.inputs());
        ScratchImage.copy(x, image, s.c(), rows.inputs(), columns.inputs(), false, block, firstRow, 1, endRow - firstRow, firstColumn, 1,
                scratchColumns, V, scratch, 0);
        for (int row = from; row < to; row++) {
            int write = ((image * Lanes.blocks(s.o()) + block) * rows.results() + row) * columns.results() * V;
            for (int phase = 0; phase < tapsPerRow.length; phase++) {
                row(block, row, phase, firstRow, scratch, write);
            }
        }
        if (epilogue != null) {
            epilogue.run(image, block, from * columns.results(), to * columns.results());
        }
    }

    // The results of a phase in one row.
    private void row(int block, int row, int phase, int firstRow, float[] scratch, int write) {
        int base = rows.base(row), line = scratchColumns * V, perRow = tapsPerRow[phase];
        int[] pairs = taps[rows.phase(row)][phase];
        int from = fromRow[row] * perRow, to = toRow[row] * perRow;
        int column = columns.first(phase), step = columns.resultStep();
        int xAt = (base - firstRow) * line + (columns.base(column) - firstColumn) * V, xStep = columns.inputStep() * V;
        int wAt = block * rows.taps() * columns.taps() * TAP_WEIGHTS;
        for (; GroupTiles.PAIRS && column + step < columns.results(); column += 2 * step, xAt += 2 * xStep) {
            GroupTiles.two(scratch, xAt, xStep, weights, wAt, pairs, from, to, bias, block * V, y, write + column * V, step * V);
        }
        for (; column < columns.results(); column += step, xAt += xStep) {
            GroupTiles.one(scratch, xAt, weights, wAt, pairs, from, to, bias, block * V, y, write + column * V);
        }
    }
}
