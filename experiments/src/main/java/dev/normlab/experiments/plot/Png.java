package dev.normlab.experiments.plot;

import java.awt.AlphaComposite;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.Shape;
import java.awt.font.TextLayout;
import java.awt.geom.AffineTransform;
import java.awt.geom.Line2D;
import java.awt.geom.Path2D;
import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import javax.imageio.ImageIO;

/// Paints a [Drawing] as a PNG image, in the light colour scheme. The same marks as in the SVG file; text is set in a font of the machine
/// and made as wide as the layout expects, so that nothing overlaps whatever the font.
final class Png {

    private static final double MARGIN = 14;
    private static final double MIN_HATCHED = 6;
    private static final List<String> FAMILIES = List.of("Helvetica Neue", "Helvetica", "Arial", "Liberation Sans", "Arimo", "DejaVu Sans");

    private final Drawing drawing;
    private final Graphics2D graphics;
    private final String family;

    private Png(Drawing drawing, Graphics2D graphics) {
        this.drawing = drawing;
        this.graphics = graphics;
        this.family = family();
    }

    /// The font of texts: one as wide as the layout expects if the machine has it.
    static String family() {
        return FAMILIES.stream().filter(name -> new Font(name, Font.PLAIN, 12).getFamily(Locale.ROOT).equals(name)).findFirst()
                .orElse(Font.SANS_SERIF);
    }

    /// The bytes of a PNG file.
    ///
    /// @param scale pixels of the image per pixel of the figure
    static byte[] paint(Drawing drawing, double scale) {
        int width = (int) Math.ceil((drawing.width() + 2 * MARGIN) * scale);
        int height = (int) Math.ceil((drawing.height() + 2 * MARGIN) * scale);
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = image.createGraphics();
        try {
            graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
            graphics.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
            graphics.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
            graphics.setColor(Color.decode(Palette.BACKGROUND.getFirst()));
            graphics.fillRect(0, 0, width, height);
            graphics.scale(scale, scale);
            graphics.translate(MARGIN, MARGIN);
            Png png = new Png(drawing, graphics);
            drawing.marks().forEach(png::mark);
        } finally {
            graphics.dispose();
        }
        return bytes(image);
    }

    /// An image as the bytes of a PNG file.
    static byte[] bytes(BufferedImage image) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            ImageIO.write(image, "png", bytes);
        } catch (IOException e) {
            throw new UncheckedIOException("writing to memory does not fail", e);
        }
        return bytes.toByteArray();
    }

    private void mark(Mark mark) {
        switch (mark) {
            case Mark.Text text -> text(text);
            case Mark.Line line -> stroke(new Line2D.Double(line.x1(), line.y1(), line.x2(), line.y2()), line.styleClass());
            case Mark.Path path -> path(SvgPath.parse(path.data()), path.styleClass(), path.clipped());
            case Mark.Bar bar -> bar(bar);
            case Mark.Symbol symbol -> path(SvgPath.parse(Symbols.path(symbol.slot(), symbol.x(), symbol.y())),
                    "nl-symbol " + Palette.fill(symbol.slot()), symbol.clipped());
            case Mark.Hotspot _ -> {
                // tooltips have no place in a picture
            }
        }
    }

    private void path(Path2D shape, String styleClass, boolean clipped) {
        Shape before = graphics.getClip();
        if (clipped) {
            graphics.clip(rectangle(drawing.plot()));
        }
        if (styleClass.startsWith("nl-area")) {
            graphics.setComposite(AlphaComposite.getInstance(AlphaComposite.SRC_OVER, 0.14f));
            graphics.setColor(colour(styleClass));
            graphics.fill(shape);
            graphics.setComposite(AlphaComposite.SrcOver);
        } else if (styleClass.startsWith("nl-symbol")) {
            graphics.setColor(colour(styleClass));
            graphics.fill(shape);
            graphics.setColor(Color.decode(Palette.BACKGROUND.getFirst()));
            graphics.setStroke(new BasicStroke(1));
            graphics.draw(shape);
        } else {
            stroke(shape, styleClass);
        }
        graphics.setClip(before);
    }

    private void stroke(Shape shape, String styleClass) {
        List<String> classes = List.of(styleClass.split(" "));
        float width = switch (classes.getFirst()) {
            case "nl-line" -> 2;
            case "nl-rug" -> 1.5f;
            case "nl-whisker" -> 1.2f;
            default -> 1;
        };
        float[] dashes = classes.stream().filter(name -> name.startsWith("nl-d")).findFirst().map(Png::dashes).orElse(null);
        graphics.setStroke(new BasicStroke(width, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 10, dashes, 0));
        graphics.setColor(switch (classes.getFirst()) {
            case "nl-grid" -> Color.decode(Palette.GRID);
            case "nl-axis" -> Color.decode(Palette.AXIS);
            case "nl-whisker" -> Color.decode(Palette.INK);
            default -> colour(styleClass);
        });
        graphics.draw(shape);
    }

    private static float[] dashes(String styleClass) {
        String[] lengths = Palette.DASHES.get(Integer.parseInt(styleClass.substring("nl-d".length()))).split(" ");
        float[] result = new float[lengths.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = Float.parseFloat(lengths[i]);
        }
        return result;
    }

    /// The colour of a class such as `nl-s3` or `nl-f3`.
    private static Color colour(String styleClass) {
        String name = Arrays.stream(styleClass.split(" ")).filter(one -> one.matches("nl-[sf]\\d+")).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("the style '" + styleClass + "' names no series"));
        return Color.decode(Palette.LIGHT.get(Integer.parseInt(name.substring("nl-s".length()))));
    }

    private void bar(Mark.Bar bar) {
        Rectangle2D box = rectangle(bar.box());
        graphics.setColor(colour(Palette.fill(bar.slot())));
        graphics.fill(box);
        String hatch = Svg.hatch(bar.slot());
        if (hatch.isEmpty() || bar.box().width() < MIN_HATCHED) {
            return;
        }
        Shape before = graphics.getClip();
        graphics.clip(box);
        graphics.setColor(Color.decode(Palette.BACKGROUND.getFirst()));
        graphics.setComposite(AlphaComposite.getInstance(AlphaComposite.SRC_OVER, 0.6f));
        graphics.setStroke(new BasicStroke(1.4f));
        Path2D tile = SvgPath.parse(hatch);
        double size = Svg.HATCH_TILE;
        for (double top = Math.floor(box.getMinY() / size) * size; top < box.getMaxY(); top += size) {
            for (double left = Math.floor(box.getMinX() / size) * size; left < box.getMaxX(); left += size) {
                Shape tileBefore = graphics.getClip();
                graphics.clip(new Rectangle2D.Double(left, top, size, size));
                graphics.draw(tile.createTransformedShape(AffineTransform.getTranslateInstance(left, top)));
                graphics.setClip(tileBefore);
            }
        }
        graphics.setComposite(AlphaComposite.SrcOver);
        graphics.setClip(before);
    }

    private void text(Mark.Text text) {
        if (text.text().isEmpty()) {
            return;
        }
        TextStyle style = text.style();
        int face = (style.bold() ? Font.BOLD : Font.PLAIN) | (style == TextStyle.NOTE ? Font.ITALIC : Font.PLAIN);
        TextLayout layout = new TextLayout(text.text(), new Font(family, face, 1).deriveFont((float) style.size()),
                graphics.getFontRenderContext());
        double natural = layout.getAdvance();
        double wanted = TextMetrics.width(text.text(), style);
        double condensed = natural > wanted ? wanted / natural : 1;
        double width = natural * condensed;
        double left = switch (text.anchor()) {
            case START -> 0;
            case MIDDLE -> -width / 2;
            case END -> -width;
        };
        AffineTransform before = graphics.getTransform();
        graphics.translate(text.x(), text.y());
        graphics.rotate(StrictMath.toRadians(text.angle()));
        graphics.translate(left, 0);
        graphics.scale(condensed, 1);
        graphics.setColor(Color.decode(switch (style) {
            case LABEL, TICK, NOTE -> Palette.MUTED;
            case TITLE, LEGEND, VALUE -> Palette.INK;
        }));
        layout.draw(graphics, 0, 0);
        graphics.setTransform(before);
    }

    private static Rectangle2D rectangle(Box box) {
        return new Rectangle2D.Double(box.x(), box.y(), box.width(), box.height());
    }
}
