package dev.normlab.engine.kernel.vector;

import dev.normlab.engine.kernel.ConvolutionMode;
import dev.normlab.engine.kernel.Workers;
import dev.normlab.engine.kernel.Workspace;
import java.util.SplittableRandom;

/// A program that [OtherMachinesTest] runs in Java virtual machines with other flags: checks small convolutions against their definition
/// and prints the vector length and a hash of all result bits.
final class OtherMachinesCheck {

    private static final double ROUNDINGS = 4;

    private OtherMachinesCheck() {}

    /// @param arguments the number of cases
    public static void main(String[] arguments) {
        SplittableRandom random = new SplittableRandom(7);
        long hash = 17;
        try (Workers workers = new Workers(1)) {
            Workspace workspace = new Workspace(workers);
            for (int i = 0; i < Integer.parseInt(arguments[0]); i++) {
                // Every third case is one of the fast mode, every fourth of the others a first layer.
                ConvolutionCase each = i % 3 == 2
                        ? new ConvolutionCase(ConvolutionCase.regular(random), random, ConvolutionMode.FAST)
                        : new ConvolutionCase(i % 4 == 3 ? ConvolutionCase.firstLayer(random) : ConvolutionCase.awkward(random), random);
                float[] y = each.forward(workspace), dx = each.backwardInput(workspace), dWeight = each.backwardWeight(workspace);
                require(y, each.forwardByDefinition(), each.s.c() * each.s.kh() * each.s.kw());
                require(dx, each.backwardInputByDefinition(), each.s.o() * each.s.kh() * each.s.kw());
                require(dWeight, each.backwardWeightByDefinition(), each.s.n() * each.s.oh() * each.s.ow());
                for (float[] results : new float[][] {y, dx, dWeight}) {
                    for (float value : results) {
                        hash = 31 * hash + Float.floatToIntBits(value);
                    }
                }
            }
        }
        System.out.println("vector length " + Lanes.V + " hash " + Long.toHexString(hash));
    }

    private static void require(float[] actual, double[] expected, int length) {
        if (!(ConvolutionCase.errorInRoundings(actual, expected, length) <= ROUNDINGS)) {
            throw new AssertionError("a convolution differs from its definition");
        }
    }
}
