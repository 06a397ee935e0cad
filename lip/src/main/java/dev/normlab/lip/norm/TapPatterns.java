package dev.normlab.lip.norm;

import dev.normlab.engine.kernel.PadMode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/// Which kernel taps read the same input together in one row or column of a convolution's matrix, along one axis, for any padding mode.
///
/// With circular, reflected or replicated borders an input can be read through several taps of one output, whose weights then add up
/// *before* the absolute value is taken. A *block* is such a set of taps; a *pattern* says how often each block occurs in one row (of an
/// output) or column (of an input) of the matrix. Only distinct patterns are kept. Unlike tap sets, a pattern that contains another one
/// cannot be left out: the absolute values of sums do not grow with the set.
///
/// @param taps     the length of the kernel along the axis
/// @param blocks   the distinct blocks, each an ascending list of taps
/// @param patterns for every pattern the multiplicity of each block
public record TapPatterns(int taps, List<List<Integer>> blocks, List<List<Integer>> patterns) {

    /// Copies the lists.
    public TapPatterns {
        blocks = blocks.stream().map(List::copyOf).toList();
        patterns = patterns.stream().map(List::copyOf).toList();
    }

    /// One axis of a convolution.
    ///
    /// @param mode      what is read outside of the image
    /// @param inputs    the size of the image
    /// @param outputs   the size of the output
    /// @param padBefore positions before the first input
    public record AxisGeometry(PadMode mode, int inputs, int outputs, int taps, int stride, int dilation, int padBefore) {

        /// The input that output `a` reads through tap `t`, or -1 where it reads zero.
        int source(int a, int t) {
            return mode.source(Math.toIntExact((long) a * stride + (long) t * dilation - padBefore), inputs);
        }
    }

    /// The patterns of the matrix' rows: for output `a` its taps, grouped by the input they read.
    public static TapPatterns ofOutputs(AxisGeometry axis) {
        Set<List<List<Integer>>> rows = new LinkedHashSet<>();
        for (int a = 0; a < axis.outputs(); a++) {
            rows.add(sorted(new ArrayList<>(blocksOf(axis, a).values())));
        }
        return of(axis.taps(), rows);
    }

    /// The patterns of the matrix' columns: for input `i` the taps that read it, grouped by the output that reads.
    public static TapPatterns ofInputs(AxisGeometry axis) {
        List<List<List<Integer>>> columns = new ArrayList<>();
        for (int i = 0; i < axis.inputs(); i++) {
            columns.add(new ArrayList<>());
        }
        for (int a = 0; a < axis.outputs(); a++) {
            blocksOf(axis, a).forEach((input, block) -> columns.get(input).add(block));
        }
        Set<List<List<Integer>>> distinct = new LinkedHashSet<>();
        columns.forEach(column -> distinct.add(sorted(column)));
        return of(axis.taps(), distinct);
    }

    /// The taps of one output by the input they read.
    private static Map<Integer, List<Integer>> blocksOf(AxisGeometry axis, int a) {
        Map<Integer, List<Integer>> blocks = new TreeMap<>();
        for (int t = 0; t < axis.taps(); t++) {
            int source = axis.source(a, t);
            if (source >= 0) {
                blocks.computeIfAbsent(source, _ -> new ArrayList<>()).add(t);
            }
        }
        return blocks;
    }

    private static List<List<Integer>> sorted(List<List<Integer>> blocks) {
        blocks.sort(Comparator.comparing(Object::toString));
        return blocks;
    }

    private static TapPatterns of(int taps, Set<List<List<Integer>>> distinct) {
        List<List<Integer>> blocks = distinct.stream().flatMap(List::stream).distinct().toList();
        List<List<Integer>> patterns = new ArrayList<>();
        for (List<List<Integer>> pattern : distinct) {
            List<Integer> multiplicity = new ArrayList<>();
            for (List<Integer> block : blocks) {
                multiplicity.add((int) pattern.stream().filter(block::equals).count());
            }
            patterns.add(multiplicity);
        }
        return new TapPatterns(taps, blocks, patterns);
    }
}
