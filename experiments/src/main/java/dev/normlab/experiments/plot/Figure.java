package dev.normlab.experiments.plot;

/// An immutable description of a figure. It holds data and names, and no sizes or colours: the same figure can be rendered for a page, a
/// telephone or a file.
///
/// The SVG text is deterministic (same figure, width and id, same bytes, in every locale), follows the reader's light or dark colour
/// scheme, names itself to assistive technology (`role="img"`, title and description), and shows values as tooltips. Labels are wrapped,
/// thinned or slanted so that none is cut or overlaps another, from 240 pixels on.
public sealed interface Figure permits LineChart, BarChart, DensityChart {

    /// The smallest width that a figure can be laid out for, in pixels.
    double MIN_WIDTH = 240;

    /// A short name, drawn above the figure.
    String title();

    /// What the figure shows, in one or two sentences, for readers who cannot see it.
    String description();

    /// An `svg` element to embed in a page that includes the style sheet [Palette#css()] once.
    ///
    /// @param id a prefix for the ids inside, unique in the page: a letter, then letters, digits, hyphens
    /// @param width the width, in pixels, at least [#MIN_WIDTH]
    /// @throws IllegalArgumentException if the width is too small or the id is not of that form
    default String toInlineSvg(String id, double width) {
        if (!id.matches("[A-Za-z][A-Za-z0-9-]*")) {
            throw new IllegalArgumentException("a figure's id must be a letter, then letters, digits and hyphens, but is '" + id + "'");
        }
        return Svg.inline(layOut(this, width), id);
    }

    /// A complete SVG file, with its own style sheet, background and a small margin around the figure.
    ///
    /// @param width the width of the figure without the margin, in pixels, at least [#MIN_WIDTH]
    /// @throws IllegalArgumentException if the width is too small
    default String toSvgFile(double width) {
        return Svg.standalone(layOut(this, width));
    }

    /// A PNG image with the figure in the light colour scheme, on its background, with a small margin around it. Unlike the SVG text it
    /// depends on the fonts of the machine.
    ///
    /// @param width the width of the figure without the margin, in pixels, at least [#MIN_WIDTH]
    /// @param scale pixels of the image per pixel of the figure, from 0.5 to 8; 2 suits most screens
    /// @throws IllegalArgumentException if width or scale are out of range
    default byte[] toPng(double width, double scale) {
        if (!(scale >= 0.5 && scale <= 8)) {
            throw new IllegalArgumentException("a figure is painted with 0.5 to 8 pixels per pixel, but " + scale + " was asked for");
        }
        return Png.paint(layOut(this, width), scale);
    }

    private static Drawing layOut(Figure figure, double width) {
        if (!(width >= MIN_WIDTH && width <= 10_000)) {
            throw new IllegalArgumentException("a figure is between " + (int) MIN_WIDTH + " and 10000 pixels wide, but " + width
                    + " was asked for");
        }
        return switch (figure) {
            case LineChart chart -> LineChartLayout.draw(chart, width);
            case BarChart chart -> BarChartLayout.draw(chart, width);
            case DensityChart chart -> DensityChartLayout.draw(chart, width);
        };
    }
}
