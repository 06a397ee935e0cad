package dev.normlab.experiments.run;

import dev.normlab.attacks.RobustnessResult;
import dev.normlab.attacks.ThreatModel.Ball;
import dev.normlab.attacks.Victim;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.lip.bound.NetworkBound;
import dev.normlab.lip.bound.PNorms;
import dev.normlab.lip.bound.PairBound;
import dev.normlab.lip.bound.SpectralBound;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.data.ImageShape;
import dev.normlab.nn.layer.Layer;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.DoubleStream;

/// What norms of layers prove about images: a radius within which no perturbation changes the class of an image, whatever the attack. It
/// stands beside the upper bound that attacks give: the true robust accuracy lies between both.
///
/// An image that is right has a margin `z_y - z_l` over every other class, which shrinks by at most the [PairBound] times the length of the
/// perturbation; the least quotient over all classes is its radius. Norms of perturbations bound each other, so that a radius in one norm
/// gives radii in others (in `d` dimensions linf: r2 / √d; l2: the larger of rinf and r1 / √d; l1: the larger of r2 and rinf), and the
/// largest counts. An image that is wrong has radius 0.
///
/// Bounds hold for exact arithmetic. From every margin 1e-4 of the largest logit is taken off: far more than single precision was seen to
/// be off.
public final class Certification {

    private static final double ROUNDING = 1e-4;

    private final double[][] direct;
    private final double dimensions;

    /// @param direct by ball and image, radii from the bound in that norm itself
    private Certification(double[][] direct, double dimensions) {
        this.direct = direct;
        this.dimensions = dimensions;
    }

    /// The radii of all images of a data set; the model is left in the mode it was in.
    ///
    /// @param batchSize images a step; changes no result
    /// @throws dev.normlab.lip.norm.NormException if the network has no bound
    public static Certification of(Layer model, Dataset data, int batchSize, Device device) {
        ImageShape image = data.shape();
        PairBound pairs = PairBound.of(model, Shape.of(1, image.channels(), image.height(), image.width()), NetworkBound.Box.PIXELS,
                SpectralBound.guaranteed(device.workers()), device);
        double[][] radii = new double[Ball.values().length][data.size()];
        int step = Math.min(batchSize, data.size());
        try (Victim victim = new Victim(model, device, Shape.of(image.channels(), image.height(), image.width()), step)) {
            for (int first = 0; first < data.size(); first += step) {
                float[] batch = new float[step * image.values()];
                int count = Math.min(step, data.size() - first);
                for (int i = 0; i < count; i++) {
                    data.image(first + i, batch, i * image.values());
                }
                float[] logits = victim.logits(batch);
                for (int i = 0; i < count; i++) {
                    float[] own = Arrays.copyOfRange(logits, i * victim.classes(), (i + 1) * victim.classes());
                    for (Ball ball : Ball.values()) {
                        radii[ball.ordinal()][first + i] = radius(own, data.label(first + i), pairs, ball);
                    }
                }
            }
        }
        return new Certification(radii, image.values());
    }

    /// The least margin per bound of the logits of one image; 0 if it is wrong or a number is not finite.
    private static double radius(float[] logits, int label, PairBound pairs, Ball ball) {
        double largest = 0;
        for (float logit : logits) {
            largest = Float.isFinite(logit) ? Math.max(largest, Math.abs(logit)) : Double.POSITIVE_INFINITY;
            if (largest == Double.POSITIVE_INFINITY) {
                return 0;
            }
        }
        double least = Double.POSITIVE_INFINITY;
        for (int other = 0; other < logits.length; other++) {
            if (other != label) {
                double margin = (double) logits[label] - logits[other] - ROUNDING * largest;
                double bound = of(pairs.of(label, other), ball);
                double radius = margin > 0 && !Double.isNaN(bound) ? margin / bound : 0;
                least = Math.min(least, radius);
            }
        }
        return least;
    }

    private static double of(PNorms norms, Ball ball) {
        return switch (ball) {
            case LINF -> norms.linf();
            case L2 -> norms.l2();
            case L1 -> norms.l1();
        };
    }

    /// The radius of an image in a norm: no shorter perturbation changes its class.
    public double radius(Ball ball, int image) {
        double rinf = direct[Ball.LINF.ordinal()][image];
        double r2 = direct[Ball.L2.ordinal()][image];
        double r1 = direct[Ball.L1.ordinal()][image];
        double root = Math.sqrt(dimensions);
        return switch (ball) {
            case LINF -> Math.max(rinf, Math.max(r2 / root, r1 / dimensions));
            case L2 -> Math.max(r2, Math.max(rinf, r1 / root));
            case L1 -> Math.max(r1, Math.max(r2, rinf));
        };
    }

    /// The radii of all images in a norm.
    public double[] radii(Ball ball) {
        double[] radii = new double[direct[0].length];
        Arrays.setAll(radii, i -> radius(ball, i));
        return radii;
    }

    /// How many images no perturbation of at most this length can change.
    public int certified(Ball ball, double eps) {
        return (int) DoubleStream.of(radii(ball)).filter(radius -> radius > eps).count();
    }

    /// The median radius of the images that have one: those that are right by more than rounding; 0 without any.
    public double medianRadius(Ball ball) {
        double[] right = DoubleStream.of(radii(ball)).filter(radius -> radius > 0).sorted().toArray();
        return right.length == 0 ? 0 : right[(right.length - 1) / 2];
    }

    /// The largest radius of any image.
    public double largestRadius(Ball ball) {
        return DoubleStream.of(radii(ball)).max().orElse(0);
    }

    /// One sentence on how much the certificate says about perturbations of this size.
    public String verdict(Ball ball, double eps) {
        double median = medianRadius(ball);
        if (median == 0) {
            return "no image has a certified radius";
        }
        String radii = String.format(Locale.ROOT,
                "%d of %d images have a certified %s radius above 0, half of them one of at least %.3g; the largest is %.3g",
                certified(ball, 0), direct[0].length, ball.label(), median, largestRadius(ball));
        double ratio = eps / median;
        return ratio <= 1
                ? radii
                : radii + String.format(Locale.ROOT, "; eps is %.3g times the median%s", ratio,
                        certified(ball, eps) == 0 ? ", so that the certificate is vacuous here" : "");
    }

    /// Images that an attack fooled though their certificate excludes it: 0, or something is wrong with the bound or the attack.
    public int contradictions(RobustnessResult result, Ball ball) {
        int count = 0;
        for (int i = 0; i < result.n(); i++) {
            count += result.fooledBy()[i] >= 0 && result.distances()[i] < radius(ball, i) ? 1 : 0;
        }
        return count;
    }
}
