package dev.normlab.nn.init;

import dev.normlab.engine.tensor.RandomStream;
import java.util.Arrays;

/// How a parameter gets its first values.
@FunctionalInterface
public interface Initialization {

    /// Fills all values of one parameter.
    ///
    /// @param values row-major
    /// @param stream the parameter's own random numbers: no parameter's values depend on what was drawn for another
    void fill(float[] values, RandomStream stream);

    /// The same value everywhere.
    static Initialization constant(float value) {
        return (values, stream) -> Arrays.fill(values, value);
    }

    /// Uniform in `[-bound, bound)`.
    static Initialization uniform(float bound) {
        return (values, stream) -> stream.fillUniform(values, -bound, bound);
    }

    /// PyTorch's default for the weight and the bias of convolutions and linear layers: uniform in `[-b, b)` with `b = 1 / sqrt(fanIn)`,
    /// which is what `kaiming_uniform_` (He et al., "Delving deep into rectifiers", 2015) gives with `a = sqrt(5)`.
    ///
    /// @param fanIn how many inputs one output sums over
    static Initialization byFanIn(int fanIn) {
        return uniform((float) (1.0 / Math.sqrt(fanIn)));
    }
}
