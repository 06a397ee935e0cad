package dev.normlab.attacks;

import dev.normlab.nn.layer.Linear;

/// What the best possible attack on a linear model finds, in closed form: the yardstick of all attacks.
///
/// Between the true class `y` and another class `l` lies the hyperplane `z_y = z_l`; the smallest perturbation in the box that makes the
/// model err is the shortest way to the nearest of these ([BoxHyperplane]). An image is robust at radius eps if and only if that way is
/// longer than eps.
public final class LinearOracle {

    private final float[] weight;
    private final float[] bias;
    private final int classes;
    private final int length;

    /// The oracle of a linear layer.
    ///
    /// @param linear the model's only layer with weights, on flattened images; with bias
    public LinearOracle(Linear linear) {
        this.weight = linear.weight().tensor().toArray();
        this.bias = linear.bias().map(parameter -> parameter.tensor().toArray())
                .orElseGet(() -> new float[linear.weight().shape().size(0)]);
        this.classes = bias.length;
        this.length = weight.length / classes;
    }

    /// The logit of a class in double precision.
    public double logit(float[] image, int k) {
        double sum = bias[k];
        for (int j = 0; j < length; j++) {
            sum += (double) weight[k * length + j] * image[j];
        }
        return sum;
    }

    /// The length of the smallest perturbation in the box with which some other class is at least as likely as the true one; 0 if the clean
    /// image is such, infinite if there is none.
    public double distance(ThreatModel.Ball ball, float[] image, int label) {
        double least = Double.POSITIVE_INFINITY;
        float[] w = new float[length];
        double[] delta = new double[length];
        for (int k = 0; k < classes; k++) {
            if (k == label) {
                continue;
            }
            double excess = logit(image, label) - logit(image, k);
            if (excess <= 0) {
                return 0;
            }
            for (int j = 0; j < length; j++) {
                w[j] = weight[label * length + j] - weight[k * length + j];
            }
            if (BoxHyperplane.displacement(ball, w, 0, excess, image, 0, length, delta)) {
                least = Math.min(least, BoxHyperplane.norm(ball, delta, length));
            }
        }
        return least;
    }
}
