package dev.normlab.experiments.plot;

import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.AffineTransform;
import java.awt.image.BufferedImage;
import java.util.List;

/// A grid of small images with captions, as a PNG image: every pixel of an image becomes a square of whole screen pixels, never smoothed.
///
/// @param headers what the columns show
/// @param rows    of pictures, as many in each as there are headers
public record PictureGrid(List<String> headers, List<List<Picture>> rows) {

    private static final int SIDE = 160;
    private static final int GAP = 16;
    private static final int HEADER = 28;
    private static final int LINE = 16;
    private static final TextStyle CAPTION = TextStyle.LEGEND;

    /// An image with a caption.
    ///
    /// @param values   `[c, h, w]` row-major, 0 black and 1 white; what is outside is cut off. Three channels are red, green and blue; of
    ///     any other number the first is shown in grey
    /// @param channels of the image
    /// @param height   of the image
    /// @param width    of the image
    /// @param caption  lines below it; what is too long is shortened
    public record Picture(float[] values, int channels, int height, int width, List<String> caption) {

        /// Checks the values.
        ///
        /// @throws IllegalArgumentException if there are not `channels · height · width` values, or none
        public Picture {
            if (channels < 1 || height < 1 || width < 1 || values.length != channels * height * width) {
                throw new IllegalArgumentException(
                        "a picture of " + channels + " x " + height + " x " + width + " has as many values, but got "
                                + values.length);
            }
            caption = List.copyOf(caption);
        }

        /// The colour of a pixel, as red, green and blue bytes.
        int colour(int row, int column) {
            int plane = height * width;
            int at = row * width + column;
            boolean coloured = channels == 3;
            int red = level(values[at]);
            int green = coloured ? level(values[plane + at]) : red;
            int blue = coloured ? level(values[2 * plane + at]) : red;
            return red << 16 | green << 8 | blue;
        }

        private static int level(float value) {
            return Math.round(255 * Math.clamp(Float.isNaN(value) ? 0 : value, 0f, 1f));
        }
    }

    /// Checks the values.
    ///
    /// @throws IllegalArgumentException if there is no row, or a row has another number of pictures than there are headers
    public PictureGrid {
        headers = List.copyOf(headers);
        rows = rows.stream().map(List::copyOf).toList();
        int columns = headers.size();
        if (rows.isEmpty() || columns == 0 || rows.stream().anyMatch(row -> row.size() != columns)) {
            throw new IllegalArgumentException("a grid of pictures needs rows of as many pictures as there are headers, " + columns);
        }
    }

    /// The bytes of a PNG file.
    public byte[] toPng() {
        int side = rows.stream().flatMap(List::stream).mapToInt(picture -> Math.max(picture.height(), picture.width())).reduce(SIDE,
                Math::max);
        int captionHeight = 6 + LINE * rows.stream().flatMap(List::stream).mapToInt(picture -> picture.caption().size()).max().orElse(0);
        int rowHeight = side + captionHeight + GAP;
        BufferedImage image = new BufferedImage(GAP + headers.size() * (side + GAP), HEADER + GAP + rows.size() * rowHeight,
                BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = image.createGraphics();
        try {
            graphics.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
            graphics.setColor(Color.decode(Palette.BACKGROUND.getFirst()));
            graphics.fillRect(0, 0, image.getWidth(), image.getHeight());
            for (int column = 0; column < headers.size(); column++) {
                text(graphics, headers.get(column), TextStyle.TITLE, GAP + column * (side + GAP), HEADER, side);
                for (int row = 0; row < rows.size(); row++) {
                    draw(image, graphics, rows.get(row).get(column), side, GAP + column * (side + GAP), HEADER + GAP + row * rowHeight);
                }
            }
        } finally {
            graphics.dispose();
        }
        return Png.bytes(image);
    }

    private static void draw(BufferedImage image, Graphics2D graphics, Picture picture, int side, int left, int top) {
        int square = side / Math.max(picture.height(), picture.width());
        for (int y = 0; y < picture.height() * square; y++) {
            for (int x = 0; x < picture.width() * square; x++) {
                image.setRGB(left + x, top + y, picture.colour(y / square, x / square));
            }
        }
        int baseline = top + side + LINE;
        for (String line : picture.caption()) {
            text(graphics, TextMetrics.shorten(line, CAPTION, side), CAPTION, left, baseline, side);
            baseline += LINE;
        }
    }

    /// A line of text, condensed if the machine's font makes it wider than the layout expects.
    private static void text(Graphics2D graphics, String text, TextStyle style, int x, int baseline, int width) {
        graphics.setFont(new Font(Png.family(), style.bold() ? Font.BOLD : Font.PLAIN, 1).deriveFont((float) style.size()));
        graphics.setColor(Color.decode(Palette.INK));
        AffineTransform before = graphics.getTransform();
        graphics.translate(x, baseline);
        graphics.scale(Math.min(1, width / (double) Math.max(1, graphics.getFontMetrics().stringWidth(text))), 1);
        graphics.drawString(text, 0, 0);
        graphics.setTransform(before);
    }
}
