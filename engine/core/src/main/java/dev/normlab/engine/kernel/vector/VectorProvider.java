package dev.normlab.engine.kernel.vector;

import dev.normlab.engine.kernel.ConvolutionMode;
import dev.normlab.engine.kernel.Kernels;
import dev.normlab.engine.kernel.KernelsProvider;
import java.util.Optional;

/// Offers [VectorKernels] under the name `vector` where the module `jdk.incubator.vector` is present. Itself loads no class of that module.
public final class VectorProvider implements KernelsProvider {

    @Override
    public String name() {
        return "vector";
    }

    @Override
    public Optional<String> obstacle() {
        if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
            return Optional.of("the fast CPU kernels need the JVM option --add-modules jdk.incubator.vector, which is missing; "
                    + "without it the scalar kernels run, which are many times slower");
        }
        try {
            VectorKernels.describe();
            return Optional.empty();
        } catch (Throwable failure) {
            return Optional
                    .of("the fast CPU kernels do not start on this Java virtual machine (" + failure + "); use a JDK 25 with the option "
                            + "--add-modules jdk.incubator.vector");
        }
    }

    @Override
    public Kernels create() {
        return create(ConvolutionMode.EXACT);
    }

    @Override
    public Kernels create(ConvolutionMode mode) {
        Optional<String> obstacle = obstacle();
        if (obstacle.isPresent()) {
            throw new IllegalStateException(obstacle.get());
        }
        return new VectorKernels(mode);
    }

    @Override
    public String describe() {
        return obstacle().orElseGet(VectorKernels::describe);
    }
}
