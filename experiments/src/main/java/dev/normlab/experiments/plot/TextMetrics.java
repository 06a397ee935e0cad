package dev.normlab.experiments.plot;

import java.util.ArrayList;
import java.util.List;

/// Approximate widths of text, so that labels can be laid out without a font.
///
/// The table holds the advance widths of Helvetica (Arial and Liberation Sans share them), the first fonts of the figures' style; a reserve
/// of 4% covers substitutes. Characters outside the table count as wide as their class: punctuation, letters, or full-width ideographs.
final class TextMetrics {

    /// Line height over font size.
    static final double LINE = 1.3;
    /// Height of the text box above the baseline over font size.
    static final double ASCENT = 0.8;
    /// Depth of the text box below the baseline over font size.
    static final double DESCENT = 0.25;

    private static final double RESERVE = 1.04;
    private static final double BOLD = 1.07;

    /// Widths of the characters from space to tilde, in thousandths of the font size.
    private static final int[] ASCII = {278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556,
        556, 556, 556, 556,
        556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778,
        722, 667, 611,
        722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556,
        556, 556, 556,
        333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584};

    private TextMetrics() {}

    /// The width of one line of text, in pixels.
    static double width(String text, TextStyle style) {
        int thousandths = text.codePoints().map(TextMetrics::advance).sum();
        return thousandths / 1000.0 * style.size() * RESERVE * (style.bold() ? BOLD : 1);
    }

    private static int advance(int codePoint) {
        if (codePoint >= ' ' && codePoint <= '~') {
            return ASCII[codePoint - ' '];
        }
        return switch (codePoint) {
            case '−', '×', '±', '≤', '≥', '∞' -> 720;
            case '…', '—', '‰' -> 1000;
            case '–' -> 556;
            case '²', '³', '¹', '⁰', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹', '⁻' -> 370;
            case '\u00a0', '\u202f' -> 278;
            default -> codePoint >= 0x2E80 ? 1000 : codePoint >= 0x300 && codePoint < 0x370 ? 0 : 667;
        };
    }

    /// The text in lines no wider than `width`, broken at spaces, and inside words only where a single word is too wide.
    static List<String> wrap(String text, TextStyle style, double width) {
        List<String> lines = new ArrayList<>();
        String line = "";
        for (String word : text.strip().split("\\s+")) {
            String longer = line.isEmpty() ? word : line + " " + word;
            if (width(longer, style) <= width) {
                line = longer;
                continue;
            }
            if (!line.isEmpty()) {
                lines.add(line);
            }
            line = word;
            while (width(line, style) > width && line.codePointCount(0, line.length()) > 1) {
                String head = longestPrefix(line, style, width);
                lines.add(head);
                line = line.substring(head.length());
            }
        }
        if (!line.isEmpty()) {
            lines.add(line);
        }
        return lines;
    }

    private static String longestPrefix(String word, TextStyle style, double width) {
        int end = word.offsetByCodePoints(0, 1);
        while (end < word.length()) {
            int next = word.offsetByCodePoints(end, 1);
            if (width(word.substring(0, next), style) > width) {
                break;
            }
            end = next;
        }
        return word.substring(0, end);
    }

    /// The text, with its middle replaced by an ellipsis if it is wider than `width`.
    static String shorten(String text, TextStyle style, double width) {
        if (width(text, style) <= width) {
            return text;
        }
        int[] points = text.codePoints().toArray();
        for (int kept = points.length - 1; kept > 1; kept--) {
            int tail = kept / 2;
            String shorter = new String(points, 0, kept - tail) + "…" + new String(points, points.length - tail, tail);
            if (width(shorter, style) <= width) {
                return shorter;
            }
        }
        return "…";
    }
}
