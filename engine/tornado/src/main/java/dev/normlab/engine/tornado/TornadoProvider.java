package dev.normlab.engine.tornado;

import dev.normlab.engine.kernel.Accelerator;
import dev.normlab.engine.kernel.AcceleratorProvider;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.GpuMath;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import uk.ac.manchester.tornado.api.TornadoBackend;
import uk.ac.manchester.tornado.api.TornadoRuntime;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;
import uk.ac.manchester.tornado.api.runtime.TornadoRuntimeProvider;

/// The devices of TornadoVM, where this JVM runs with its SDK.
public final class TornadoProvider implements AcceleratorProvider {

    /// Options that have to be false: with the first a kernel that does not compile runs in Java, wrongly and silently; with the second
    /// roots, sines and cosines are approximations.
    private static final List<String> FALSE = List.of("tornado.recover.bailout", "tornado.enable.nativeFunctions");

    @Override
    public Optional<String> obstacle() {
        for (String option : FALSE) {
            if (!"false".equals(System.getProperty(option))) {
                return Optional.of("this JVM runs without TornadoVM's options (its argfile, -D" + option + "=false); " + Device.GPU_ADVICE
                        + " and use the launcher ./normlab");
            }
        }
        try {
            return devices().isEmpty() ? Optional.of("TornadoVM sees no device; look at the drivers") : Optional.empty();
        } catch (Throwable e) { // a missing native library is an Error
            return Optional.of("TornadoVM does not start (" + e + "); " + Device.GPU_ADVICE);
        }
    }

    private static List<TornadoDevice> devices() {
        TornadoRuntime runtime = TornadoRuntimeProvider.getTornadoRuntime();
        List<TornadoDevice> found = new ArrayList<>();
        for (int b = 0; b < runtime.getNumBackends(); b++) {
            TornadoBackend backend = runtime.getBackend(b);
            for (int d = 0; d < backend.getNumDevices(); d++) {
                found.add(backend.getDevice(d));
            }
        }
        return found;
    }

    @Override
    public List<String> list() {
        return obstacle().isPresent() ? List.of() : devices().stream().map(TornadoAccelerator::describe).toList();
    }

    @Override
    public Accelerator open(int index, GpuMath math) {
        obstacle().ifPresent(text -> {
            throw new IllegalStateException(text);
        });
        List<TornadoDevice> found = devices();
        if (index >= found.size()) {
            throw new IllegalArgumentException("there is no gpu:" + index + "; TornadoVM sees " + list());
        }
        TornadoDevice device = found.get(index);
        if (math != GpuMath.OWN && device.getTornadoVMBackend() != TornadoVMBackendType.CUDA) {
            throw new IllegalArgumentException("products by " + math + " need a TornadoVM SDK with the CUDA backend, but gpu:" + index
                    + " is a device of the backend " + device.getTornadoVMBackend().toString().toLowerCase(Locale.ROOT)
                    + "; take own, our own kernels");
        }
        return new TornadoAccelerator(device, math == GpuMath.OWN ? null : new CuBlas(math == GpuMath.TF32));
    }
}
