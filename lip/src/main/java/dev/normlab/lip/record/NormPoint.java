package dev.normlab.lip.record;

import java.util.Arrays;

/// The norms of all layers at one moment of a training. Values that were not measured are NaN.
///
/// @param step         completed optimiser steps
/// @param epoch        completed epochs, with the fraction of the current one
/// @param loss         the mean training loss of the epoch so far
/// @param accuracy     the training accuracy of the epoch so far, in [0, 1]
/// @param testAccuracy the accuracy on the test images, in [0, 1], at the end of an epoch
/// @param l1           the l1 norm of every layer, in module order
/// @param linf         the linf norm of every layer, in module order
public record NormPoint(long step, double epoch, double loss, double accuracy, double testAccuracy, double[] l1, double[] linf) {

    /// Copies the arrays.
    public NormPoint {
        l1 = l1.clone();
        linf = linf.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof NormPoint that && step == that.step && Double.compare(epoch, that.epoch) == 0
                && Double.compare(loss, that.loss) == 0 && Double.compare(accuracy, that.accuracy) == 0
                && Double.compare(testAccuracy, that.testAccuracy) == 0 && Arrays.equals(l1, that.l1) && Arrays.equals(linf, that.linf);
    }

    @Override
    public int hashCode() {
        return Long.hashCode(step) * 31 + Arrays.hashCode(l1);
    }
}
