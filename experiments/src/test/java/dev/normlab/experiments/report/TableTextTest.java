package dev.normlab.experiments.report;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.normlab.experiments.plot.Numbers;
import dev.normlab.experiments.report.Table.Cell;
import dev.normlab.experiments.report.Table.Column;
import java.util.List;
import org.junit.jupiter.api.Test;

class TableTextTest {

    private static final Table TABLE = new Table("Clean & robust, 5_2%", List.of(Column.text("run, with | bar"), Column.number("accuracy")),
            List.of(List.of(Cell.text("a \"b\" {c}"), new Cell("84.3 ± 1.2", 0.843)),
                    List.of(Cell.text("x\\y"), Cell.text(Numbers.MISSING)),
                    List.of(Cell.text("2"), Cell.integer(12_345))),
            true);

    @Test
    void commaSeparatedValuesQuoteAndHaveAllDigits() {
        assertEquals("\"run, with | bar\",accuracy\n\"a \"\"b\"\" {c}\",0.843\nx\\y,\n2,12345\n", TableText.csv(TABLE));
    }

    @Test
    void markdownEscapesBarsAndAlignsNumbers() {
        assertEquals("""
                Clean & robust, 5_2%

                | run, with \\| bar | accuracy |
                | --- | ---: |
                | a "b" {c} | 84.3 ± 1.2 |
                | x\\y | – |
                | 2 | 12,345 |
                """, TableText.markdown(TABLE));
    }

    @Test
    void latexEscapesWhatItWouldTakeForCommands() {
        assertEquals("""
                % needs \\usepackage{booktabs}
                \\begin{table}
                \\centering
                \\caption{Clean \\& robust, 5\\_2\\%}
                \\label{tab:x}
                \\begin{tabular}{lr}
                \\toprule
                run, with | bar & accuracy \\\\
                \\midrule
                a "b" \\{c\\} & 84.3 $\\pm$ 1.2 \\\\
                x\\textbackslash{}y & -- \\\\
                2 & 12,345 \\\\
                \\bottomrule
                \\end{tabular}
                \\end{table}
                """, TableText.latex(TABLE, "tab:x"));
        assertEquals("1.2$\\times$10$^{-}$$^{7}$ $-$3 $<$", TableText.tex("1.2×10⁻⁷ −3 <"));
    }
}
