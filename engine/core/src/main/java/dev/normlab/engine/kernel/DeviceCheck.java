package dev.normlab.engine.kernel;

import java.util.List;

/// Cases that show whether a device computes what it should; registered with `ServiceLoader` by whoever knows the right answers.
public interface DeviceCheck {

    /// What is checked, in one word.
    String name();

    /// Runs the cases on a device.
    ///
    /// @param whole    all cases, rather than some of every kind
    /// @param progress hears how far it is
    Outcome run(Device device, boolean whole, Progress progress);

    /// What came of it.
    ///
    /// @param cases    how many there were
    /// @param failures a line for every case that failed
    /// @param remark   figures that are worth telling; empty if there are none
    record Outcome(int cases, List<String> failures, String remark) {

        /// Copies the failures.
        public Outcome {
            failures = List.copyOf(failures);
        }

        /// An outcome without a remark.
        public Outcome(int cases, List<String> failures) {
            this(cases, failures, "");
        }
    }

    /// Hears how far a check is.
    @FunctionalInterface
    interface Progress {

        /// So many of so many cases are done.
        void done(int cases, int of);
    }
}
