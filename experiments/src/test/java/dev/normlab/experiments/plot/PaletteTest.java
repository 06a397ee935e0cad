package dev.normlab.experiments.plot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PaletteTest {

    private static double[] linearRgb(String colour) {
        double[] rgb = new double[3];
        for (int i = 0; i < 3; i++) {
            double c = Integer.parseInt(colour.substring(1 + 2 * i, 3 + 2 * i), 16) / 255.0;
            rgb[i] = c <= 0.04045 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4);
        }
        return rgb;
    }

    /// The contrast ratio of WCAG 2.
    private static double contrast(String a, String b) {
        double[] light = linearRgb(a);
        double[] dark = linearRgb(b);
        double l1 = 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2];
        double l2 = 0.2126 * dark[0] + 0.7152 * dark[1] + 0.0722 * dark[2];
        return (Math.max(l1, l2) + 0.05) / (Math.min(l1, l2) + 0.05);
    }

    /// Linear RGB as a reader with deuteranopia sees it; the matrix of Machado, Oliveira and Fernandes (2009), severity 1.
    private static double[] deuteranope(String colour) {
        double[] c = linearRgb(colour);
        return new double[] {0.367322 * c[0] + 0.860646 * c[1] - 0.227968 * c[2], 0.280085 * c[0] + 0.672501 * c[1] + 0.047413 * c[2],
            -0.011820 * c[0] + 0.042940 * c[1] + 0.968881 * c[2]};
    }

    @Test
    void everySeriesColourStandsOutFromTheBackground() {
        for (String colour : Palette.LIGHT) {
            assertTrue(contrast(colour, Palette.BACKGROUND.getFirst()) >= 3, colour + " on light");
        }
        for (String colour : Palette.DARK) {
            assertTrue(contrast(colour, Palette.BACKGROUND.getLast()) >= 3, colour + " on dark");
        }
    }

    @Test
    void theFirstFourColoursStayApartForReadersWithDeuteranopia() {
        for (List<String> colours : List.of(Palette.LIGHT, Palette.DARK)) {
            for (int i = 0; i < 4; i++) {
                for (int j = 0; j < i; j++) {
                    double[] a = deuteranope(colours.get(i));
                    double[] b = deuteranope(colours.get(j));
                    double distance = Math.hypot(Math.hypot(Math.cbrt(a[0]) - Math.cbrt(b[0]), Math.cbrt(a[1]) - Math.cbrt(b[1])),
                            Math.cbrt(a[2]) - Math.cbrt(b[2]));
                    assertTrue(distance > 0.12, colours.get(i) + " and " + colours.get(j) + " are " + distance + " apart");
                }
            }
        }
    }

    @Test
    void aHundredAndTwentySlotsLookDifferent() {
        Set<String> looks = new HashSet<>();
        for (int slot = 0; slot < 120; slot++) {
            looks.add(Palette.line(slot) + Symbols.path(slot, 0, 0));
        }
        assertEquals(120, looks.size());
    }
}
