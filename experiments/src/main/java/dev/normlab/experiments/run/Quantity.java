package dev.normlab.experiments.run;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/// What can be measured of a layer.
public enum Quantity {
    /// The exact l1 norm.
    L1("l1"),
    /// The exact linf norm.
    LINF("linf"),
    /// An estimate of the l2 norm, by Lanczos, from below.
    L2("l2"),
    /// A guaranteed upper bound of the l2 norm.
    L2_BOUND("l2-bound"),
    /// The l2 norm of the circular convolution with the layer's weights, strides and input size: what spectral clipping as published looks
    /// at. Neither equal to the layer's own nor a bound of it.
    CIRCULAR("circular");

    private final String label;

    Quantity(String label) {
        this.label = label;
    }

    /// The name on the command line and in tables, for example `l2-bound`.
    public String label() {
        return label;
    }

    /// The name at the head of a table, which says what is an estimate.
    public String title() {
        return this == L2 ? label + " (estimate)" : label;
    }

    /// The name in JSON, for example `l2_bound`.
    public String key() {
        return label.replace('-', '_');
    }

    /// The quantities of names; `all` is all of them.
    ///
    /// @throws UserError if a name is unknown
    public static Set<Quantity> parse(List<String> labels) {
        EnumSet<Quantity> wanted = EnumSet.noneOf(Quantity.class);
        for (String text : labels) {
            String label = text.strip().toLowerCase(Locale.ROOT);
            if (label.equals("all")) {
                return EnumSet.allOf(Quantity.class);
            }
            wanted.add(Arrays.stream(values()).filter(quantity -> quantity.label.equals(label)).findFirst()
                    .orElseThrow(() -> UserError.usage("--norm: there is no norm '" + text.strip() + "'; known norms: "
                            + Arrays.stream(values()).map(Quantity::label).collect(Collectors.joining(", ")) + ", all")));
        }
        return wanted;
    }
}
