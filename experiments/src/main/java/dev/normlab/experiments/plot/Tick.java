package dev.normlab.experiments.plot;

/// A mark on an axis.
///
/// @param value where it stands, in the unit of the axis
/// @param label its text; empty for a minor tick
record Tick(double value, String label) {

    boolean isMinor() {
        return label.isEmpty();
    }
}
