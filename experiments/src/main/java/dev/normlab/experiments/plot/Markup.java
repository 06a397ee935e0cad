package dev.normlab.experiments.plot;

/// Text inside SVG, XML and HTML.
public final class Markup {

    private static final int REPLACEMENT = 0xfffd;

    private Markup() {}

    /// The text with the five characters that markup reserves written as entities, and characters that XML forbids replaced by U+FFFD: safe
    /// as element content and inside quoted attributes.
    public static String escape(String text) {
        StringBuilder safe = new StringBuilder(text.length() + 16);
        text.codePoints().forEach(point -> {
            switch (point) {
                case '&' -> safe.append("&amp;");
                case '<' -> safe.append("&lt;");
                case '>' -> safe.append("&gt;");
                case '"' -> safe.append("&quot;");
                case '\'' -> safe.append("&#39;");
                default -> safe.appendCodePoint(isAllowed(point) ? point : REPLACEMENT);
            }
        });
        return safe.toString();
    }

    private static boolean isAllowed(int point) {
        boolean control = point < 0x20 && point != '\t' && point != '\n' || point >= 0x7f && point < 0xa0;
        boolean surrogate = point >= 0xd800 && point <= 0xdfff;
        return !control && !surrogate && point != 0xfffe && point != 0xffff;
    }
}
