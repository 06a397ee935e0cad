package dev.normlab.experiments.plot;

/// The roles of text in a figure.
enum TextStyle {
    TITLE(14, true, "nl-title"),
    LABEL(12, false, "nl-label"),
    LEGEND(12, false, "nl-legend"),
    TICK(11.5, false, "nl-tick"),
    VALUE(11, false, "nl-value"),
    NOTE(11, false, "nl-note");

    private final double size;
    private final boolean bold;
    private final String styleClass;

    TextStyle(double size, boolean bold, String styleClass) {
        this.size = size;
        this.bold = bold;
        this.styleClass = styleClass;
    }

    /// The font size, in pixels.
    double size() {
        return size;
    }

    boolean bold() {
        return bold;
    }

    /// The name of its class in the style sheet.
    String styleClass() {
        return styleClass;
    }

    double lineHeight() {
        return size * TextMetrics.LINE;
    }
}
