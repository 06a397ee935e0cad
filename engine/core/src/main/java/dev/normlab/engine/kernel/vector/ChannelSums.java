package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.DoubleLanes.D;
import static dev.normlab.engine.kernel.vector.DoubleLanes.DOUBLES;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;

/// Sums over the images of values per plane and lane, `partial[n, lanes]`, for one channel block, in double and in the order of the images.
final class ChannelSums {

    private ChannelSums() {}

    /// `sums[lane ..] = ` the sum over the images of `partial`.
    static void sum(float[] partial, int n, int lanes, int lane, double[] sums) {
        DoubleVector low = DoubleVector.zero(DOUBLES), high = low;
        for (int in = 0; in < n; in++) {
            FloatVector x = Lanes.load(partial, in * lanes + lane);
            low = low.add(DoubleLanes.lower(x));
            high = high.add(DoubleLanes.upper(x));
        }
        low.intoArray(sums, lane);
        high.intoArray(sums, lane + D);
    }

    /// `sums[lane ..] = ` the sum over the rows `first .. first + n - 1` of `(partial · factor - means)²`.
    static void squaredDifferences(float[] partial, int first, int n, int lanes, int lane, double factor, double[] means, double[] sums) {
        DoubleVector lowMean = DoubleVector.fromArray(DOUBLES, means, lane), highMean = DoubleVector.fromArray(DOUBLES, means, lane + D);
        DoubleVector low = DoubleVector.zero(DOUBLES), high = low;
        for (int in = first; in < first + n; in++) {
            FloatVector x = Lanes.load(partial, in * lanes + lane);
            DoubleVector a = DoubleLanes.lower(x).mul(factor).sub(lowMean), b = DoubleLanes.upper(x).mul(factor).sub(highMean);
            low = low.add(a.mul(a));
            high = high.add(b.mul(b));
        }
        low.intoArray(sums, lane);
        high.intoArray(sums, lane + D);
    }
}
