package dev.normlab.experiments.plot;

/// Maps values of an axis to pixels.
///
/// @param logarithmic whether equal ratios (rather than differences) are equally far apart
/// @param min the value at pixel `from`
/// @param max the value at pixel `to`
/// @param from a pixel coordinate
/// @param to a pixel coordinate
record Scale(boolean logarithmic, double min, double max, double from, double to) {

    static Scale of(Axis axis, Ticks ticks, double from, double to) {
        return new Scale(axis.kind() == Axis.Kind.LOG, ticks.min(), ticks.max(), from, to);
    }

    double at(double value) {
        double low = transform(min);
        return from + (transform(value) - low) / (transform(max) - low) * (to - from);
    }

    private double transform(double value) {
        return logarithmic ? StrictMath.log10(value) : value;
    }
}
