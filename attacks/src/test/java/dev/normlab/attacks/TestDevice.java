package dev.normlab.attacks;

import dev.normlab.engine.kernel.ConvolutionMode;
import dev.normlab.engine.kernel.Device;
import dev.normlab.nn.layer.Layer;

/// Where attacks are tried, each with a small network that it computes in a moment: on the vector kernels one whose channels fill no whole
/// vectors, so that a tail, a blocked layout and the transforms of fast convolutions take part.
enum TestDevice {

    /// The reference loops.
    SCALAR {
        @Override
        Device open(int threads) {
            return Device.scalar(threads);
        }

        @Override
        Layer network(long seed) {
            return TestModels.network(seed);
        }
    },

    /// The vector kernels.
    CPU {
        @Override
        Device open(int threads) {
            return Device.cpu(threads);
        }
    },

    /// The vector kernels with fast convolutions.
    CPU_FAST {
        @Override
        Device open(int threads) {
            return Device.cpu(threads, ConvolutionMode.FAST);
        }
    };

    abstract Device open(int threads);

    /// A network with four classes for images of [TestModels#SHAPE].
    Layer network(long seed) {
        return TestModels.wide(seed);
    }

    /// One of which attacks of moderate size fool some images and not others.
    Layer network() {
        return network(this == SCALAR ? 2 : 4);
    }
}
