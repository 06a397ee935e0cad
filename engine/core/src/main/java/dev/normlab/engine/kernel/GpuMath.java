package dev.normlab.engine.kernel;

import java.util.Locale;

/// What computes the matrix products of convolutions and linear layers on a GPU; chosen when a device is opened.
public enum GpuMath {

    /// Kernels written in Java, on every device.
    OWN,

    /// NVIDIA's cuBLAS in float32, on CUDA devices.
    CUBLAS,

    /// NVIDIA's cuBLAS with TF32 tensor cores, on CUDA devices: factors are rounded to 10 bits behind the point, sums are float32.
    TF32;

    /// The choice of this name, in any case.
    ///
    /// @throws IllegalArgumentException if there is none
    public static GpuMath of(String name) {
        for (GpuMath math : values()) {
            if (math.toString().equals(name.toLowerCase(Locale.ROOT))) {
                return math;
            }
        }
        throw new IllegalArgumentException("expected own, cublas or tf32, but got '" + name + "'");
    }

    /// The name on the command line and in files.
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
