package dev.normlab.nn.train;

/// Hears what a [Trainer] does: progress, metrics, recorders of norms. Listeners look and do not change the model.
@FunctionalInterface
public interface TrainingListener {

    /// Called in the trainer's thread, in the order of the events.
    void on(TrainingEvent event);
}
