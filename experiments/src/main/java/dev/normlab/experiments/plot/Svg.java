package dev.normlab.experiments.plot;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.SortedSet;
import java.util.TreeSet;

/// Writes a [Drawing] as SVG text. The output is well-formed XML, depends on nothing but the drawing and the id, and has no line that a
/// locale could change.
final class Svg {

    /// Space around a figure in a file of its own, in pixels.
    private static final double FILE_MARGIN = 14;
    /// Narrower bars are plain: a hatch would not be seen.
    private static final double MIN_HATCHED = 6;
    /// The side of the square in which hatch lines repeat.
    static final double HATCH_TILE = 7;

    private final Drawing drawing;
    private final String id;
    private final StringBuilder out = new StringBuilder();

    private Svg(Drawing drawing, String id) {
        this.drawing = drawing;
        this.id = id;
    }

    /// An `svg` element for use inside a page that includes [Palette#css()]. Ids inside start with `id`.
    static String inline(Drawing drawing, String id) {
        return new Svg(drawing, id).write("");
    }

    /// A complete SVG file with its own style sheet.
    static String standalone(Drawing drawing) {
        return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + new Svg(drawing, "figure").write(Palette.css());
    }

    /// A coordinate with at most two decimals.
    static String coordinate(double value) {
        BigDecimal rounded = BigDecimal.valueOf(value).setScale(2, RoundingMode.HALF_EVEN).stripTrailingZeros();
        return rounded.signum() == 0 ? "0" : rounded.toPlainString();
    }

    private String write(String css) {
        double margin = css.isEmpty() ? 0 : FILE_MARGIN;
        String width = coordinate(drawing.width() + 2 * margin);
        String height = coordinate(drawing.height() + 2 * margin);
        String origin = coordinate(-margin) + " " + coordinate(-margin);
        add("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"normlab\" role=\"img\" width=\"", width, "\" height=\"", height,
                "\" viewBox=\"");
        add(origin, " ", width, " ", height, "\" aria-labelledby=\"", id, "-title ", id, "-desc\">\n");
        add("<title id=\"", id, "-title\">", Markup.escape(drawing.title()), "</title>\n");
        add("<desc id=\"", id, "-desc\">", Markup.escape(drawing.description()), "</desc>\n");
        if (!css.isEmpty()) {
            add("<style>", css, "</style>\n<rect x=\"", coordinate(-margin), "\" y=\"", coordinate(-margin));
            add("\" width=\"", width, "\" height=\"", height, "\" style=\"fill:var(--nl-bg)\"/>\n");
        }
        definitions();
        drawing.marks().forEach(this::mark);
        add("</svg>\n");
        return out.toString();
    }

    private void definitions() {
        add("<defs>\n<clipPath id=\"", id, "-clip\"><rect ", rectangle(drawing.plot()), "/></clipPath>\n");
        SortedSet<Integer> slots = new TreeSet<>();
        for (Mark mark : drawing.marks()) {
            if (mark instanceof Mark.Bar bar && !hatch(bar.slot()).isEmpty()) {
                slots.add(bar.slot());
            }
        }
        for (int slot : slots) {
            add("<pattern id=\"", id, "-hatch", Integer.toString(slot), "\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\">");
            add("<rect width=\"7\" height=\"7\" class=\"", Palette.fill(slot), "\"/><path class=\"nl-hatch\" d=\"", hatch(slot),
                    "\"/></pattern>\n");
        }
        add("</defs>\n");
    }

    /// The lines that tell bars apart without colour, as a path in a 7 x 7 tile; empty for plain bars.
    static String hatch(int slot) {
        return switch (slot % 5) {
            case 1 -> "M-1 8L8 -1M-1 1L1 -1M6 8L8 6";
            case 2 -> "M0 3.5H7";
            case 3 -> "M-1 -1L8 8M6 -1L8 1M-1 6L1 8";
            case 4 -> "M3.5 0V7";
            default -> "";
        };
    }

    private void mark(Mark mark) {
        switch (mark) {
            case Mark.Text text -> text(text);
            case Mark.Line line -> {
                String ends = attribute("x1", line.x1()) + attribute("y1", line.y1()) + attribute("x2", line.x2()) + attribute("y2", line
                        .y2());
                element("line", "class=\"" + line.styleClass() + "\"" + ends, line.tooltip());
            }
            case Mark.Path path -> element("path", "class=\"" + path.styleClass() + "\" d=\"" + path.data() + "\"" + clip(path.clipped()),
                    "");
            case Mark.Bar bar -> {
                boolean plain = hatch(bar.slot()).isEmpty() || bar.box().width() < MIN_HATCHED;
                String paint = plain ? "class=\"" + Palette.fill(bar.slot()) + "\"" : "fill=\"url(#" + id + "-hatch" + bar.slot() + ")\"";
                element("rect", paint + " " + rectangle(bar.box()), bar.tooltip());
            }
            case Mark.Symbol symbol -> element("path", "class=\"nl-symbol " + Palette.fill(symbol.slot()) + "\" d=\""
                    + Symbols.path(symbol.slot(), symbol.x(), symbol.y()) + "\"" + clip(symbol.clipped()), "");
            case Mark.Hotspot spot ->
                element("circle", "class=\"nl-hot\"" + attribute("cx", spot.x()) + attribute("cy", spot.y()) + " r=\"7\"", spot.tooltip());
        }
    }

    private void text(Mark.Text text) {
        String anchor = switch (text.anchor()) {
            case START -> "";
            case MIDDLE -> " text-anchor=\"middle\"";
            case END -> " text-anchor=\"end\"";
        };
        add("<text class=\"", text.style().styleClass(), "\"", attribute("x", text.x()), attribute("y", text.y()), anchor);
        if (text.angle() != 0) {
            add(" transform=\"rotate(", coordinate(text.angle()), " ", coordinate(text.x()), " ", coordinate(text.y()), ")\"");
        }
        add(">", text.tooltip().isEmpty() ? "" : "<title>" + Markup.escape(text.tooltip()) + "</title>", Markup.escape(text.text()),
                "</text>\n");
    }

    private void element(String name, String attributes, String tooltip) {
        add("<", name, " ", attributes);
        if (tooltip.isEmpty()) {
            add("/>\n");
        } else {
            add("><title>", Markup.escape(tooltip), "</title></", name, ">\n");
        }
    }

    private String clip(boolean clipped) {
        return clipped ? " clip-path=\"url(#" + id + "-clip)\"" : "";
    }

    private static String rectangle(Box box) {
        return (attribute("x", box.x()) + attribute("y", box.y()) + attribute("width", box.width()) + attribute("height", box.height()))
                .strip();
    }

    private static String attribute(String name, double value) {
        return " " + name + "=\"" + coordinate(value) + "\"";
    }

    private void add(String... parts) {
        for (String part : parts) {
            out.append(part);
        }
    }
}
