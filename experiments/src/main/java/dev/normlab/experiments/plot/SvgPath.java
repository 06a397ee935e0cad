package dev.normlab.experiments.plot;

import java.awt.geom.Arc2D;
import java.awt.geom.Path2D;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads the part of SVG's path language that figures use: `M`, `L`, `H`, `V`, `h`, `v`, `l`, half circles `a`, `Z`.
final class SvgPath {

    private static final Pattern TOKEN = Pattern.compile("[A-Za-z]|-?\\d*\\.?\\d+");

    private final Matcher tokens;
    private final Path2D.Double path = new Path2D.Double();
    private double x;
    private double y;
    private String pending = "";

    private SvgPath(String data) {
        tokens = TOKEN.matcher(data);
    }

    /// The path of a `d` attribute.
    ///
    /// @throws IllegalArgumentException if it uses something else
    static Path2D parse(String data) {
        return new SvgPath(data).read();
    }

    private Path2D read() {
        String command = "";
        for (String token = next(); !token.isEmpty(); token = next()) {
            boolean isCommand = Character.isLetter(token.charAt(0));
            if (isCommand) {
                command = token;
            } else {
                pending = token; // a number repeats the command before
            }
            run(command);
        }
        return path;
    }

    private void run(String command) {
        switch (command) {
            case "M" -> {
                x = number();
                y = number();
                path.moveTo(x, y);
            }
            case "L" -> lineTo(number(), number());
            case "l" -> lineTo(x + number(), y + number());
            case "H" -> lineTo(number(), y);
            case "V" -> lineTo(x, number());
            case "h" -> lineTo(x + number(), y);
            case "v" -> lineTo(x, y + number());
            case "a" -> halfCircle();
            case "Z" -> path.closePath();
            default -> throw new IllegalArgumentException("a figure's path has no command '" + command + "'");
        }
    }

    private void lineTo(double toX, double toY) {
        x = toX;
        y = toY;
        path.lineTo(x, y);
    }

    /// `a r r 0 large sweep dx dy` with `|(dx, dy)| = 2r`.
    private void halfCircle() {
        double r = number();
        number();
        number();
        number();
        boolean sweep = number() != 0;
        double dx = number();
        double dy = number();
        double centreX = x + dx / 2;
        double centreY = y + dy / 2;
        double start = StrictMath.toDegrees(StrictMath.atan2(centreY - y, x - centreX));
        path.append(new Arc2D.Double(centreX - r, centreY - r, 2 * r, 2 * r, start, sweep ? -180 : 180, Arc2D.OPEN), true);
        x += dx;
        y += dy;
    }

    private double number() {
        return Double.parseDouble(next());
    }

    private String next() {
        if (!pending.isEmpty()) {
            String token = pending;
            pending = "";
            return token;
        }
        return tokens.find() ? tokens.group() : "";
    }
}
