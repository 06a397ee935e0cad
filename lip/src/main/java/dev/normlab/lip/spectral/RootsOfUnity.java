package dev.normlab.lip.spectral;

/// `cos(2πk/n)` and `sin(2πk/n)` from a table, exact at multiples of a quarter turn and the same on every machine.
final class RootsOfUnity {

    private final int n;
    private final double[] cos;
    private final double[] sin;

    RootsOfUnity(int n) {
        this.n = n;
        this.cos = new double[n];
        this.sin = new double[n];
        for (int k = 0; k < n; k++) {
            double angle = 2 * Math.PI * k / n;
            cos[k] = 4L * k % n == 0 ? quarter(4 * k / n + 1) : StrictMath.cos(angle);
            sin[k] = 4L * k % n == 0 ? quarter(4 * k / n) : StrictMath.sin(angle);
        }
    }

    /// The sine of a number of quarter turns.
    private static double quarter(int turns) {
        return switch (turns % 4) {
            case 1 -> 1;
            case 3 -> -1;
            default -> 0;
        };
    }

    /// `cos(2πk/n)` for any `k`.
    double cos(int k) {
        return cos[Math.floorMod(k, n)];
    }

    /// `sin(2πk/n)` for any `k`.
    double sin(int k) {
        return sin[Math.floorMod(k, n)];
    }
}
