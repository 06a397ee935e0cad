package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;

import dev.normlab.engine.kernel.Workspace;

/// Mean and variance of the channels of a channel-blocked tensor.
///
/// Planes are cut into parts of [#PART] pixels. Of every part the sum and the squared differences from its own mean are taken, while it is
/// in the cache: as a pass over the tensor, or as the [Epilogue] of the convolution that makes it. The parts are combined in double
/// precision in a fixed order (Chan, Golub and LeVeque 1983), so that the statistics neither cancel nor depend on the threads or on who
/// took the parts.
final class PlaneStatistics implements Epilogue {

    /// Pixels of a part; the last one of a plane may be shorter.
    static final int PART = 256;

    private final Planes planes;
    private final float[] x;
    private final int parts;
    private final float[] sums;
    private final float[] squares;

    /// Statistics of `x`, none of whose parts has been taken yet.
    PlaneStatistics(Planes planes, float[] x, Workspace workspace) {
        this.planes = planes;
        this.x = x;
        this.parts = Math.ceilDiv(planes.pixels(), PART);
        int length = parts * planes.count() * V;
        this.sums = workspace.scratch(0, "batch norm sums", length);
        this.squares = workspace.scratch(0, "batch norm products", length);
    }

    /// Whether a convolution that completes a plane in bands of so many pixels completes whole parts.
    static boolean areBands(int bandPixels, int pixels) {
        return bandPixels >= pixels || bandPixels % PART == 0;
    }

    /// Takes all parts, the last planes first: those are in the caches if the tensor has just been written.
    PlaneStatistics takeAll(Workspace workspace) {
        int blocks = planes.blocks();
        planes.eachBackwards(workspace, (plane, block, _, _) -> run(plane / blocks, block, 0, planes.pixels()));
        return this;
    }

    /// Takes the parts `from .. to - 1` of a plane; both are where a part begins, or `to` is its end.
    @Override
    public void run(int image, int block, int from, int to) {
        int plane = image * planes.blocks() + block;
        for (int first = from; first < to; first += PART) {
            BatchNormLoops.statistics(x, (plane * planes.pixels() + first) * V, Math.min(PART, to - first), sums, squares,
                    (first / PART * planes.count() + plane) * V);
        }
    }

    /// Writes mean and biased variance of every channel, once all parts are taken. Of an empty batch both are NaN.
    void combine(float[] mean, float[] var, Workspace workspace) {
        int lanes = planes.lanes(), n = planes.n(), whole = planes.pixels() / PART * n, rest = parts * n - whole;
        int restPixels = planes.pixels() % PART;
        double count = (double) n * planes.pixels();
        double[] means = workspace.scratchDoubles(0, "batch norm totals", lanes);
        double[] within = workspace.scratchDoubles(0, "batch norm product totals", lanes);
        double[] between = workspace.scratchDoubles(0, "batch norm differences", lanes);
        double[] betweenRest = workspace.scratchDoubles(0, "batch norm differences of shorter parts", lanes);
        planes.eachBlock(workspace, block -> {
            int lane = block * V;
            ChannelSums.sum(sums, parts * n, lanes, lane, means);
            ChannelSums.sum(squares, parts * n, lanes, lane, within);
            for (int l = lane; l < lane + V; l++) {
                means[l] /= count;
            }
            ChannelSums.squaredDifferences(sums, 0, whole, lanes, lane, 1.0 / PART, means, between);
            ChannelSums.squaredDifferences(sums, whole, rest, lanes, lane, 1.0 / restPixels, means, betweenRest);
            for (int ic = lane; ic < Math.min(planes.c(), lane + V); ic++) {
                mean[ic] = (float) means[ic];
                var[ic] = (float) ((within[ic] + PART * between[ic] + restPixels * betweenRest[ic]) / count);
            }
        });
    }
}
