package dev.normlab.engine.kernel;

import dev.normlab.engine.kernel.vector.VectorKernels;
import dev.normlab.testkit.KernelsContract;

class VectorKernelsContractTest extends KernelsContract {

    VectorKernelsContractTest() {
        super(new VectorKernels());
    }
}
