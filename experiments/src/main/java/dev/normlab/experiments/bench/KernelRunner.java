package dev.normlab.experiments.bench;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.nn.model.ModelSpec;
import java.util.List;

/// One operation of a network with operands of its own, to be run by another benchmark program: the same that `bench kernels` times under
/// this name.
public final class KernelRunner implements AutoCloseable {

    private static final int RANDOM_NUMBERS = 1 << 20;

    private final PreparedKernel kernel;

    private KernelRunner(PreparedKernel kernel) {
        this.kernel = kernel;
    }

    /// Prepares an operation.
    ///
    /// @param name as `bench kernels --all` lists it
    /// @throws IllegalArgumentException if the network has no such operation
    public static KernelRunner of(Device device, ModelSpec model, int batchSize, String name) {
        KernelCatalogue catalogue = new KernelCatalogue(device, batchSize);
        catalogue.add(model.name(), model);
        List<KernelCase> cases = catalogue.cases();
        KernelCase found = cases.stream().filter(one -> KernelNames.of(one.key()).equals(name)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("expected an operation of " + model + ", but got '" + name + "'; it has "
                        + cases.stream().map(one -> KernelNames.of(one.key())).distinct().toList()));
        float[] numbers = new float[RANDOM_NUMBERS];
        RandomStream.of(1, "benchmark").fillNormal(numbers, 0, 1);
        return new KernelRunner(new PreparedKernel(found, device, MachinePeak.lastLevelCacheBytes(), numbers));
    }

    /// Runs the operation once.
    public void run() {
        kernel.run();
    }

    @Override
    public void close() {
        kernel.close();
    }
}
