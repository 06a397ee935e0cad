package dev.normlab.experiments.plot;

/// The marker shapes of series: circle, square, triangle, diamond, triangle downwards, cross.
final class Symbols {

    private Symbols() {}

    /// The SVG path of a series' marker around (x, y), all of about the same area.
    static String path(int slot, double x, double y) {
        return switch (slot % 6) {
            case 0 -> at("M", x - 3.7, y) + "a3.7 3.7 0 1 0 7.4 0a3.7 3.7 0 1 0 -7.4 0Z";
            case 1 -> at("M", x - 3.3, y - 3.3) + "h6.6v6.6h-6.6Z";
            case 2 -> at("M", x, y - 4.6) + "l4.4 7.6h-8.8Z";
            case 3 -> at("M", x, y - 4.8) + "l4.8 4.8l-4.8 4.8l-4.8 -4.8Z";
            case 4 -> at("M", x, y + 4.6) + "l4.4 -7.6h-8.8Z";
            default -> at("M", x - 1.5, y - 4.4) + "h3v2.9h2.9v3h-2.9v2.9h-3v-2.9h-2.9v-3h2.9Z";
        };
    }

    /// An error bar: a vertical line between two heights, with caps of this half width.
    static String whisker(double x, double cap, double low, double high) {
        String across = "h" + Svg.coordinate(2 * cap);
        return at("M", x - cap, high) + across + at("M", x, high) + at("L", x, low) + at("M", x - cap, low) + across;
    }

    /// A path command with an absolute point.
    static String at(String command, double x, double y) {
        return command + Svg.coordinate(x) + " " + Svg.coordinate(y);
    }
}
