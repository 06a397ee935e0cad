package dev.normlab.nn.model;

import dev.normlab.nn.layer.CosineLinear;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import java.util.Locale;

/// The last layer of a model.
public enum Head {
    /// A linear layer with bias; outputs are logits.
    LINEAR,
    /// [CosineLinear]: normalised features and class weights, no bias; outputs are cosines in [-1, 1]. Hypersphere embedding trains such
    /// models (Pang et al. 2020, arXiv:2002.08619).
    COSINE;

    /// The name in model specifications: `linear`, `cosine`.
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// The head of a name.
    ///
    /// @throws IllegalArgumentException if there is none
    static Head parse(String label) {
        for (Head head : values()) {
            if (head.label().equals(label.toLowerCase(Locale.ROOT))) {
                return head;
            }
        }
        throw new IllegalArgumentException("a model has no head '" + label + "'; valid are head=linear and head=cosine");
    }

    /// The layer from features `[n, in]` to outputs `[n, classes]`.
    Layer layer(int in, int classes) {
        return switch (this) {
            case LINEAR -> new Linear(in, classes, true);
            case COSINE -> new CosineLinear(in, classes);
        };
    }
}
