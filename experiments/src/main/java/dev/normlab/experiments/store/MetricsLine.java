package dev.normlab.experiments.store;

import com.fasterxml.jackson.annotation.JacksonInject;
import com.fasterxml.jackson.annotation.OptBoolean;

/// One line of `metrics.jsonl`, written after every epoch. Values that were not measured are NaN here and `null` in the file.
///
/// @param epoch the number of completed epochs, from 1
/// @param step the number of completed optimiser steps
/// @param lr the learning rate in the epoch's last step
/// @param loss the mean training loss over the epoch
/// @param accuracy the training accuracy over the epoch, in [0, 1]
/// @param robustAccuracy the training accuracy over the epoch on adversarial images, in [0, 1]; NaN where none were made, and in files of
///                       versions that made none
/// @param testLoss the mean loss on the test set after the epoch
/// @param testAccuracy the accuracy on the test set after the epoch, in [0, 1]
/// @param normSumL1 the sum of the l1 norms of the convolutions and linear layers after the epoch
/// @param normSumL1Bn the sum of the l1 norms of the batch-norm layers after the epoch
/// @param imagesPerSecond training images per second over the epoch, evaluation not counted
/// @param seconds the run's time since its start, in seconds, earlier parts of a resumed run included
public record MetricsLine(int epoch, long step, double lr, double loss, double accuracy,
        @JacksonInject(value = Json.UNMEASURED, useInput = OptBoolean.TRUE) double robustAccuracy, double testLoss, double testAccuracy,
        double normSumL1, double normSumL1Bn, double imagesPerSecond, double seconds) implements EpochLine {}
