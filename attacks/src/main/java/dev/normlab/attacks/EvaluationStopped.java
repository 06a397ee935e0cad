package dev.normlab.attacks;

/// An evaluation was asked to stop; what it had done is in its state file, if it has one.
public final class EvaluationStopped extends RuntimeException {

    private static final long serialVersionUID = 1;

    EvaluationStopped() {
        super("the evaluation was asked to stop");
    }
}
