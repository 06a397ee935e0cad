package dev.normlab.experiments.plot;

import java.util.List;

/// Colours, dashes, hatches and the style sheet of figures.
///
/// A series has a slot, a number from 0. Its colour repeats after 8 slots, its dash after 5 and its marker after 6, so that series stay
/// distinct in greyscale, for colour-blind readers, and up to 120 at a time. The first colours follow M. Okabe and K. Ito, "Color universal
/// design" (2008), darkened or lightened so that each has a contrast of at least 3:1 with the background in both colour schemes.
public final class Palette {

    /// Series colours on the light background.
    static final List<String> LIGHT = List.of("#0072b2", "#d05000", "#00805c", "#a8478c", "#8a6d00", "#5a6672", "#2b93bd", "#7a3e12");
    /// Series colours on the dark background.
    static final List<String> DARK = List.of("#5cb2f2", "#ff8f52", "#3cc795", "#e493c6", "#e2c04a", "#a9b4c0", "#8fdcf5", "#d2a274");
    /// Backgrounds: light, dark.
    static final List<String> BACKGROUND = List.of("#ffffff", "#15181d");

    /// Text, secondary text, grid and axes on the light background.
    static final String INK = "#1b1f24";
    static final String MUTED = "#55606b";
    static final String GRID = "#e3e7eb";
    static final String AXIS = "#8a949e";

    /// SVG dash arrays; the first is a solid line.
    static final List<String> DASHES = List.of("none", "7 3", "2 2.5", "9 3 2 3", "4 2.5");

    private static final String RULES = """
            .normlab text{font-family:"Helvetica Neue",Helvetica,Arial,"Liberation Sans",Arimo,sans-serif;fill:var(--nl-ink)}
            .normlab .nl-title{font-size:14px;font-weight:700}
            .normlab .nl-label{font-size:12px;fill:var(--nl-muted)}
            .normlab .nl-tick{font-size:11.5px;fill:var(--nl-muted);font-variant-numeric:tabular-nums}
            .normlab .nl-note{font-size:11px;fill:var(--nl-muted);font-style:italic}
            .normlab .nl-legend{font-size:12px}
            .normlab .nl-value{font-size:11px;font-variant-numeric:tabular-nums}
            .normlab .nl-grid{stroke:var(--nl-grid);stroke-width:1;shape-rendering:crispEdges}
            .normlab .nl-axis{stroke:var(--nl-axis);stroke-width:1;shape-rendering:crispEdges}
            .normlab .nl-whisker{stroke:var(--nl-ink);stroke-width:1.2;fill:none}
            .normlab .nl-line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:butt}
            .normlab .nl-rug{stroke-width:1.5;stroke-opacity:.85}
            .normlab .nl-area{stroke:none;fill-opacity:.14}
            .normlab .nl-symbol{stroke:var(--nl-bg);stroke-width:1}
            .normlab .nl-hatch{stroke:var(--nl-bg);stroke-width:1.4;stroke-opacity:.6;fill:none}
            .normlab .nl-hot{fill:transparent}
            """;

    private Palette() {}

    /// The style sheet of all figures: custom properties for the light and the dark colour scheme, and the rules that use them. A page with
    /// figures includes it once.
    public static String css() {
        StringBuilder css = new StringBuilder();
        css.append(":root{").append(properties(LIGHT, BACKGROUND.getFirst(), INK, MUTED, GRID, AXIS)).append("}\n");
        css.append("@media screen and (prefers-color-scheme:dark){:root{");
        css.append(properties(DARK, BACKGROUND.getLast(), "#e8ebee", "#a7b0ba", "#2b3138", "#6b7580")).append("}}\n");
        css.append(RULES);
        for (int i = 0; i < LIGHT.size(); i++) {
            css.append(".normlab .nl-s").append(i).append("{stroke:var(--nl-c").append(i).append(")}\n");
            css.append(".normlab .nl-f").append(i).append("{fill:var(--nl-c").append(i).append(")}\n");
        }
        for (int i = 1; i < DASHES.size(); i++) {
            css.append(".normlab .nl-d").append(i).append("{stroke-dasharray:").append(DASHES.get(i)).append("}\n");
        }
        return css.toString();
    }

    private static String properties(List<String> colours, String background, String ink, String muted, String grid, String axis) {
        StringBuilder text = new StringBuilder();
        text.append("--nl-bg:").append(background).append(";--nl-ink:").append(ink).append(";--nl-muted:").append(muted);
        text.append(";--nl-grid:").append(grid).append(";--nl-axis:").append(axis);
        for (int i = 0; i < colours.size(); i++) {
            text.append(";--nl-c").append(i).append(':').append(colours.get(i));
        }
        return text.toString();
    }

    static String stroke(int slot) {
        return "nl-s" + slot % LIGHT.size();
    }

    static String fill(int slot) {
        return "nl-f" + slot % LIGHT.size();
    }

    /// The classes of a series' line: colour and dash.
    static String line(int slot) {
        int dash = slot % DASHES.size();
        return "nl-line " + stroke(slot) + (dash == 0 ? "" : " nl-d" + dash);
    }
}
