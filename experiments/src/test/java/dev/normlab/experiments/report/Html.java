package dev.normlab.experiments.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.StringReader;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

/// Checks that hold for every report page.
final class Html {

    private static final Pattern LOADS = Pattern.compile(
            "<(link|img|iframe|object|embed|base|form)\\b|\\bsrc=\"|@import|url\\((?!#)|\\bon[a-z]+=\"");

    private Html() {}

    static Document parse(String html) throws Exception {
        return DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(html)));
    }

    /// The text of the element children.
    static List<String> children(Node node) {
        List<String> texts = new ArrayList<>();
        for (Node child = node.getFirstChild(); child != null; child = child.getNextSibling()) {
            texts.add(child.getTextContent());
        }
        return texts;
    }

    /// The page parses as XML; ids are unique and references to them resolve; nothing is loaded; there is one main heading, one of each
    /// landmark, one script; every heading cell of a table has its scope.
    static void check(String html) throws Exception {
        Document page = parse(html);
        Set<String> ids = new HashSet<>();
        NodeList elements = page.getElementsByTagName("*");
        for (int i = 0; i < elements.getLength(); i++) {
            String id = ((Element) elements.item(i)).getAttribute("id");
            assertTrue(id.isEmpty() || ids.add(id), "the id " + id + " is used twice");
        }
        Matcher references = Pattern.compile("url\\(#([^)]+)\\)|href=\"#([^\"]+)\"|aria-labelledby=\"(\\S+?)( \\S+)?\"").matcher(html);
        while (references.find()) {
            for (int group = 1; group <= 4; group++) {
                assertTrue(references.group(group) == null || ids.contains(references.group(group).strip()), references.group());
            }
        }
        String withoutScript = html.substring(0, html.indexOf("<script>"));
        Matcher loads = LOADS.matcher(withoutScript);
        assertFalse(loads.find(), () -> "the page loads something: " + loads.group());
        assertEquals(1, page.getElementsByTagName("script").getLength());
        assertEquals("en", page.getDocumentElement().getAttribute("lang"));
        for (String landmark : List.of("h1", "header", "nav", "main", "footer")) {
            assertEquals(1, page.getElementsByTagName(landmark).getLength(), landmark);
        }
        NodeList heads = page.getElementsByTagName("th");
        for (int i = 0; i < heads.getLength(); i++) {
            assertTrue(Set.of("row", "col").contains(((Element) heads.item(i)).getAttribute("scope")));
        }
    }
}
