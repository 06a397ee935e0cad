package dev.normlab.lip.bound;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.nn.layer.Layer;
import java.util.Arrays;

/// Upper bounds of how much the difference of two logits can change with the image:
/// `|(z_a - z_b)(x) - (z_a - z_b)(x')| <= bound(a, b) ‖x - x'‖`.
///
/// If the last operation is a linear layer with rows `w`, the difference is the functional `w_a - w_b` of the features before it, so that
/// the bound is that of the features times the dual norm of `w_a - w_b`: sharper than twice the bound of all logits. A class whose margin
/// over every other one is more than `bound(a, b) r` keeps its place under every change of length r, as far as exact arithmetic goes (Hein
/// and Andriushchenko 2017, arXiv:1705.08475; Tsuzuku, Sato and Sugiyama 2018, arXiv:1802.04034).
public final class PairBound {

    /// Room for the rounding of the bound's own sums and products, in double precision.
    private static final double ROUNDING = 1 + 1e-10;

    private final int classes;
    private final PNorms[] pairs;

    private PairBound(int classes, PNorms[] pairs) {
        this.classes = classes;
        this.pairs = pairs;
    }

    /// The bounds of a model.
    ///
    /// @param image    the shape of one image, `[1, c, h, w]`
    /// @param box      the values of all images
    /// @param spectral bounds the largest singular values of convolutions and linear layers
    /// @throws dev.normlab.lip.norm.NormException if the network contains an operation that has no bound
    public static PairBound of(Layer model, Shape image, NetworkBound.Box box, SpectralBound spectral, Device device) {
        BoundWalk walk = new BoundWalk(NetworkBound.record(model, image, device), box, spectral);
        walk.run();
        return walk.pairs();
    }

    /// From a bound of the logits themselves: the functional `e_a - e_b` has the dual norms 1, √2 and 2.
    static PairBound ofLogits(PNorms logits, int classes) {
        PNorms[] pairs = new PNorms[classes * classes];
        Arrays.fill(pairs, new PNorms(logits.l1(), Math.sqrt(2) * logits.l2(), 2 * logits.linf()).times(ROUNDING));
        return new PairBound(classes, pairs);
    }

    /// From a bound of the features before a linear layer.
    ///
    /// @param weight of the linear layer, `[classes, features]` row-major
    static PairBound ofFeatures(PNorms features, float[] weight, int classes) {
        PNorms[] pairs = new PNorms[classes * classes];
        int length = weight.length / classes;
        for (int a = 0; a < classes; a++) {
            for (int b = 0; b < classes; b++) {
                double largest = 0;
                double squares = 0;
                double sum = 0;
                for (int i = 0; i < length; i++) {
                    double difference = Math.abs((double) weight[a * length + i] - weight[b * length + i]);
                    largest = Math.max(largest, difference);
                    squares += difference * difference;
                    sum += difference;
                }
                pairs[a * classes + b] = features.times(new PNorms(largest, Math.sqrt(squares), sum)).times(ROUNDING);
            }
        }
        return new PairBound(classes, pairs);
    }

    /// The number of logits.
    public int classes() {
        return classes;
    }

    /// The bounds for `z_a - z_b`, each per unit of the image's change in the norm of that name.
    public PNorms of(int a, int b) {
        return pairs[a * classes + b];
    }
}
