package dev.normlab.nn.train;

/// Says that training met NaN or infinity, and where first. The step that met it changed no parameter, unless a hook or the end of an epoch
/// met it.
public final class DivergenceException extends RuntimeException {

    /// The first layer affected, or what else was affected.
    private final String layer;
    /// The number of the step, from 0.
    private final long step;

    /// The place where numbers stopped being finite.
    ///
    /// @param layer   the first layer affected, or what else was affected
    /// @param step    the number of the step, from 0
    /// @param finding a sentence
    public DivergenceException(String layer, long step, String finding) {
        super("training diverged in step " + (step + 1) + ": " + finding + " Lower the learning rate, or check the images and weights.");
        this.layer = layer;
        this.step = step;
    }

    /// As the other, with what was thrown for it.
    ///
    /// @param cause what a hook threw
    DivergenceException(String layer, long step, String finding, Throwable cause) {
        this(layer, step, finding);
        initCause(cause);
    }

    /// The name of the first layer affected, for example `features.4`.
    public String layer() {
        return layer;
    }

    /// The number of the step, from 0.
    public long step() {
        return step;
    }
}
