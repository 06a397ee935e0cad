package dev.normlab.experiments.report;

import dev.normlab.experiments.plot.Figure;
import dev.normlab.experiments.plot.Markup;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/// Builds a self-contained HTML page of text, figures and tables: one file, no network, readable without scripts, on a telephone and on
/// paper, in light and dark, and by assistive technology. All text is escaped. The page is well-formed XML too.
///
///     ReportPage page = new ReportPage("Title", "One paragraph that says what this is.");
///     page.section("Results").paragraph("...").figure(chart, Width.HALF, "What it shows.").table(table);
///     Files.writeString(path, page.toHtml());
public final class ReportPage {

    /// How much of the page's width a figure takes; two neighbouring half figures stand side by side where there is room.
    public enum Width {

        /// Half of the page.
        HALF,
        /// The whole page.
        FULL;

        private List<Variant> variants() {
            Variant narrow = new Variant("narrow", 340);
            return this == HALF
                    ? List.of(new Variant("wide", 500), narrow)
                    : List.of(new Variant("wide", 1060), new Variant("medium", 640), narrow);
        }
    }

    /// One of the layouts of a figure.
    ///
    /// @param name its class in the style sheet, which shows the one that fits
    /// @param pixels its width
    private record Variant(String name, int pixels) {}

    private final String title;
    private final String summary;
    private final List<Section> sections = new ArrayList<>();
    private final Set<String> ids = new HashSet<>();
    private String footer = "";
    private int figures;
    private int tables;

    /// A page.
    ///
    /// @param title its title
    /// @param summary one paragraph under the title
    public ReportPage(String title, String summary) {
        this.title = title;
        this.summary = summary;
    }

    /// Adds a section with a heading, which also appears in the table of contents.
    public Section section(String heading) {
        return add(new Section(heading, 2, uniqueId(heading)));
    }

    /// Adds a part of the section before it, with a smaller heading, which the table of contents leaves out.
    public Section subsection(String heading) {
        return add(new Section(heading, 3, uniqueId(heading)));
    }

    private Section add(Section section) {
        sections.add(section);
        return section;
    }

    /// Sets the line at the end of the page.
    public ReportPage footer(String text) {
        footer = text;
        return this;
    }

    private String uniqueId(String heading) {
        String slug = heading.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-").replaceAll("^-|-$", "");
        String base = slug.isEmpty() || Character.isDigit(slug.charAt(0)) ? "section-" + slug : slug;
        String id = base;
        for (int i = 2; !ids.add(id); i++) {
            id = base + "-" + i;
        }
        return id;
    }

    /// A part of a page; its methods add content at the end and return the section.
    public final class Section {

        private final String heading;
        private final int level;
        private final String id;
        private final StringBuilder content = new StringBuilder();

        private Section(String heading, int level, String id) {
            this.heading = heading;
            this.level = level;
            this.id = id;
        }

        /// Adds a paragraph of text.
        public Section paragraph(String text) {
            content.append("<p>").append(Markup.escape(text)).append("</p>\n");
            return this;
        }

        /// Adds a list of sentences.
        public Section list(List<String> items) {
            content.append("<ul>\n");
            items.forEach(item -> content.append("<li>").append(Markup.escape(item)).append("</li>\n"));
            content.append("</ul>\n");
            return this;
        }

        /// Adds a list of terms with their explanations, in pairs: term, explanation, term, explanation.
        public Section definitions(String... pairs) {
            content.append("<dl>\n");
            for (int i = 0; i + 1 < pairs.length; i += 2) {
                content.append("<dt>").append(Markup.escape(pairs[i])).append("</dt><dd>").append(Markup.escape(pairs[i + 1]));
                content.append("</dd>\n");
            }
            content.append("</dl>\n");
            return this;
        }

        /// Adds a figure with a numbered caption. It is laid out for several widths, and the page shows the one that fits.
        public Section figure(Figure figure, Width width, String caption) {
            figures++;
            content.append("<figure class=\"").append(width.name().toLowerCase(Locale.ROOT)).append("\"><div class=\"frame\">\n");
            for (Variant variant : width.variants()) {
                content.append("<div class=\"fit ").append(variant.name).append("\">\n");
                content.append(figure.toInlineSvg("figure-" + figures + "-" + variant.name, variant.pixels));
                content.append("</div>\n");
            }
            content.append("</div>\n<figcaption><b>Figure ").append(figures).append(".</b> ").append(Markup.escape(caption));
            content.append("</figcaption></figure>\n");
            return this;
        }

        /// Adds a table with a numbered caption. A wide table scrolls inside its own frame.
        public Section table(Table table) {
            tables++;
            String captionId = "table-" + tables + "-caption";
            content.append("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-labelledby=\"").append(captionId).append("\">\n");
            content.append("<table").append(table.sortable() ? " class=\"sortable\"" : "").append(">\n<caption id=\"").append(captionId);
            content.append("\"><span><b>Table ").append(tables).append(".</b> ").append(Markup.escape(table.caption())).append(
                    "</span></caption>\n");
            appendHead(table);
            appendBody(table);
            content.append("</table></div>\n");
            return this;
        }

        /// Adds a table that is folded away under a line of text.
        public Section foldedTable(String line, Table table) {
            content.append("<details><summary>").append(Markup.escape(line)).append("</summary>\n");
            table(table);
            content.append("</details>\n");
            return this;
        }

        private void appendHead(Table table) {
            content.append("<thead><tr>");
            for (Table.Column column : table.columns()) {
                content.append("<th scope=\"col\"").append(column.numeric() ? " class=\"number\"" : "").append('>');
                content.append(Markup.escape(column.name())).append("</th>");
            }
            content.append("</tr></thead>\n");
        }

        private void appendBody(Table table) {
            content.append("<tbody>\n");
            for (List<Table.Cell> row : table.rows()) {
                content.append("<tr>");
                for (int i = 0; i < row.size(); i++) {
                    Table.Cell cell = row.get(i);
                    content.append(i == 0 ? "<th scope=\"row\"" : "<td");
                    content.append(table.columns().get(i).numeric() ? " class=\"number\"" : "");
                    if (table.sortable() && Double.isFinite(cell.value())) {
                        content.append(" data-value=\"").append(cell.value()).append('"');
                    }
                    content.append('>').append(Markup.escape(cell.text())).append(i == 0 ? "</th>" : "</td>");
                }
                content.append("</tr>\n");
            }
            content.append("</tbody>");
        }
    }

    /// The page. Equal content gives equal bytes.
    public String toHtml() {
        StringBuilder html = new StringBuilder();
        html.append("<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n<meta charset=\"utf-8\"/>\n");
        html.append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n");
        html.append("<meta name=\"color-scheme\" content=\"light dark\"/>\n<meta http-equiv=\"Content-Security-Policy\" content=\"");
        html.append("default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\"/>\n");
        html.append("<title>").append(Markup.escape(title)).append("</title>\n<style>\n").append(PageStyle.CSS).append(
                "</style>\n</head>\n");
        html.append("<body>\n<a class=\"skip\" href=\"#content\">Skip to the content</a>\n<header>\n<h1>").append(Markup.escape(title));
        html.append("</h1>\n<p class=\"lead\">").append(Markup.escape(summary)).append("</p>\n</header>\n");
        appendContents(html);
        html.append("<main id=\"content\">\n");
        for (Section section : sections) {
            String head = "h" + section.level;
            html.append("<section aria-labelledby=\"").append(section.id).append("\">\n<").append(head).append(" id=\"");
            html.append(section.id).append("\">").append(Markup.escape(section.heading)).append("</").append(head).append(">\n");
            html.append(section.content).append("</section>\n");
        }
        html.append("</main>\n");
        if (!footer.isEmpty()) {
            html.append("<footer><p>").append(Markup.escape(footer)).append("</p></footer>\n");
        }
        html.append("<script>\n//<![CDATA[\n").append(PageStyle.SCRIPT).append("//]]>\n</script>\n</body>\n</html>\n");
        return html.toString();
    }

    private void appendContents(StringBuilder html) {
        html.append("<nav aria-label=\"Contents\"><ul>\n");
        for (Section section : sections.stream().filter(one -> one.level == 2).toList()) {
            html.append("<li><a href=\"#").append(section.id).append("\">").append(Markup.escape(section.heading)).append("</a></li>\n");
        }
        html.append("</ul></nav>\n");
    }
}
