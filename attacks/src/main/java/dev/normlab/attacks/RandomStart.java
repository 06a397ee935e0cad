package dev.normlab.attacks;

import dev.normlab.engine.kernel.BallProjection;
import dev.normlab.engine.tensor.RandomStream;

/// First iterates of attacks, in the ball and the box.
final class RandomStart {

    private RandomStart() {}

    /// Moves an image to a uniformly random point of the ball around it, then into [0, 1].
    ///
    /// A uniform point of the Euclidean ball in `d` dimensions is a Gaussian direction times `eps · u^(1/d)`; of the l1 ball the same with
    /// a direction of independent Laplace numbers.
    static void uniform(ThreatModel threat, float[] images, int offset, int length, RandomStream random) {
        double eps = threat.eps();
        float[] direction = new float[length];
        switch (threat.ball()) {
            case LINF -> random.fillUniform(direction, -threat.eps(), threat.eps());
            case L2 -> {
                random.fillNormal(direction, 0, 1);
                scale(direction, eps * StrictMath.pow(random.nextFloat(), 1.0 / length) / length2(direction));
            }
            case L1 -> {
                double sum = 0;
                for (int i = 0; i < length; i++) {
                    double magnitude = -StrictMath.log(1 - random.nextFloat());
                    direction[i] = (float) (random.nextBoolean(0.5f) ? magnitude : -magnitude);
                    sum += magnitude;
                }
                scale(direction, eps * StrictMath.pow(random.nextFloat(), 1.0 / length) / sum);
            }
        }
        add(direction, images, offset);
    }

    /// Moves an image to the boundary of the ball around it, then into [0, 1], as APGD starts: linf `eps u / max |u|` with `u` uniform in
    /// the cube, l2 a Gaussian direction of length eps, l1 the projection of Gaussian noise.
    static void boundary(ThreatModel threat, float[] images, int offset, int length, RandomStream random) {
        float[] direction = new float[length];
        switch (threat.ball()) {
            case LINF -> {
                random.fillUniform(direction, -1f, 1f);
                double largest = 0;
                for (float value : direction) {
                    largest = Math.max(largest, Math.abs(value));
                }
                scale(direction, threat.eps() / largest);
                add(direction, images, offset);
            }
            case L2 -> {
                random.fillNormal(direction, 0, 1);
                scale(direction, threat.eps() / length2(direction));
                add(direction, images, offset);
            }
            case L1 -> {
                float[] clean = new float[length];
                System.arraycopy(images, offset, clean, 0, length);
                random.fillNormal(direction, 0, 1);
                for (int i = 0; i < length; i++) {
                    direction[i] += clean[i];
                }
                BallProjection.l1(threat.eps(), clean, direction, 0, length);
                System.arraycopy(direction, 0, images, offset, length);
            }
        }
    }

    private static double length2(float[] direction) {
        double squares = 0;
        for (float value : direction) {
            squares += (double) value * value;
        }
        return Math.sqrt(squares);
    }

    private static void scale(float[] direction, double factor) {
        for (int i = 0; i < direction.length; i++) {
            direction[i] = Double.isFinite(factor) ? (float) (factor * direction[i]) : 0f;
        }
    }

    private static void add(float[] direction, float[] images, int offset) {
        for (int i = 0; i < direction.length; i++) {
            images[offset + i] = BallProjection.moved(images[offset + i], direction[i]);
        }
    }
}
