package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.DoubleLanes.D;
import static dev.normlab.engine.kernel.vector.DoubleLanes.DOUBLES;
import static dev.normlab.engine.kernel.vector.Lanes.V;

import jdk.incubator.vector.DoubleVector;

/// Sums over the images of values per plane and lane, `partial[n, lanes]`, for one channel block, in double and in the order of the images.
final class ChannelSums {

    private ChannelSums() {}

    /// `sums[lane ..] = ` the sum over the images of `partial`.
    static void sum(float[] partial, int n, int lanes, int lane, double[] sums) {
        for (int l = lane; l < lane + V; l += D) {
            DoubleVector sum = DoubleVector.zero(DOUBLES);
            for (int in = 0; in < n; in++) {
                sum = sum.add(DoubleLanes.doubles(partial, in * lanes + l));
            }
            sum.intoArray(sums, l);
        }
    }

    /// `sums[lane ..] = ` the sum over the images of `(partial · factor - means)²`.
    static void squaredDifferences(float[] partial, int n, int lanes, int lane, double factor, double[] means, double[] sums) {
        for (int l = lane; l < lane + V; l += D) {
            DoubleVector sum = DoubleVector.zero(DOUBLES), mean = DoubleVector.fromArray(DOUBLES, means, l);
            for (int in = 0; in < n; in++) {
                DoubleVector difference = DoubleLanes.doubles(partial, in * lanes + l).mul(factor).sub(mean);
                sum = sum.add(difference.mul(difference));
            }
            sum.intoArray(sums, l);
        }
    }
}
