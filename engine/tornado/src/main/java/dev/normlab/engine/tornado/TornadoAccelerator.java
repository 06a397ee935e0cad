package dev.normlab.engine.tornado;

import dev.normlab.engine.kernel.AcceleratorException;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.CompiledProgram;
import dev.normlab.engine.program.DeviceProfile;
import dev.normlab.engine.program.Fusion;
import dev.normlab.engine.program.ProgramCompiler;
import dev.normlab.engine.program.StagedProgram;
import dev.normlab.engine.program.StepProgram;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.common.TornadoDevice;

/// A device of TornadoVM. Tests have one that fails.
class TornadoAccelerator implements ProgramCompiler {

    private static final AtomicLong PROGRAMS = new AtomicLong();
    private static final MemoryLimit MEMORY = MemoryLimit.ofTheProcess();

    private final TornadoDevice device;
    private final @Nullable MatrixLibrary library;
    private final TornadoProfile profile = new TornadoProfile();
    private boolean profiling;
    private boolean poisoning;

    /// @param library what computes matrix products, or null for our own kernels
    TornadoAccelerator(TornadoDevice device, @Nullable MatrixLibrary library) {
        this.device = device;
        this.library = library;
    }

    /// What computes matrix products, or null for our own kernels.
    @Nullable
    MatrixLibrary library() {
        return library;
    }

    TornadoDevice device() {
        return device;
    }

    @Override
    public void poison(boolean wanted) {
        poisoning = wanted;
    }

    boolean isPoisoning() {
        return poisoning;
    }

    /// What programs take before they take memory.
    MemoryLimit memory() {
        return MEMORY;
    }

    @Override
    public Optional<DeviceProfile> startProfile() {
        profiling = true;
        return Optional.of(profile);
    }

    boolean isProfiling() {
        return profiling;
    }

    TornadoProfile profile() {
        return profile;
    }

    /// A prefix for the names of a plan's graphs.
    String uniqueName() {
        return "p" + PROGRAMS.getAndIncrement();
    }

    @Override
    public CompiledProgram compile(StepProgram program, Device computer) {
        StepProgram fused = Fusion.fuse(program);
        return new TornadoProgram(fused, fused.operations().size(), Map.of(), computer, this);
    }

    @Override
    public StagedProgram compile(StepProgram first, StepProgram second, Device computer) {
        Map<String, Integer> held = new LinkedHashMap<>();
        for (String name : second.feeds().keySet()) {
            Integer id = first.fetches().get(name);
            if (id != null) {
                held.put(name, id);
            }
        }
        StepProgram fused = Fusion.fuse(first);
        return new TornadoProgram(fused.then(Fusion.fuse(second)), fused.operations().size(), held, computer, this);
    }

    @Override
    public double factorRounding() {
        return library == null ? ProgramCompiler.super.factorRounding() : library.factorRounding();
    }

    @Override
    public String describe() {
        return describe(device) + (library == null ? "" : ", products by " + library.name());
    }

    static String describe(TornadoDevice device) {
        return String.format(Locale.ROOT, "%s, %s (TornadoVM, %s), %.1f GiB", device.getPhysicalDevice().getDeviceName(),
                device.getDeviceType().toString().replace("CL_DEVICE_TYPE_", "").toLowerCase(Locale.ROOT),
                device.getTornadoVMBackend().toString().toLowerCase(Locale.ROOT),
                device.getPhysicalDevice().getDeviceGlobalMemorySize() / (double) (1 << 30));
    }

    /// What is to be told when a plan failed.
    AcceleratorException failure(long bytes, Throwable cause) {
        String reason = reason(cause);
        boolean memory = reason.toLowerCase(Locale.ROOT).matches(".*(memory|alloc).*");
        return new AcceleratorException(String.format(Locale.ROOT, "the GPU failed: %s. The program needs %.1f MiB on the device%s", reason,
                bytes / (double) (1 << 20),
                memory
                        ? "; use a smaller batch, or raise -Dtornado.device.memory (4 GiB unless said) up to what the device has"
                        : " (with NORMLAB_DEBUG=1 the command says where it failed)"),
                cause);
    }

    // TornadoVM's messages have colours, and a stack trace as text behind the first sentences.
    private static String reason(Throwable cause) {
        String plain = String.valueOf(cause.getMessage()).replaceAll("\u001B\\[[0-9;]*m", "").replaceFirst("(?s)\\s*Stacktrace:.*", "");
        return plain.strip().replaceAll("\\s+", " ");
    }

    @Override
    public void close() {}
}
