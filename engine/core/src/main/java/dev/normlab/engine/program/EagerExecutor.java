package dev.normlab.engine.program;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Storage;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Computes every operation at once. Owns the tensors it makes and hands their memory back to the device's pool when it closes.
public final class EagerExecutor implements Executor {

    private final Device device;
    private final Lowering lowering;
    private final Set<Storage> owned = Collections.newSetFromMap(new IdentityHashMap<>());

    /// An executor on this device.
    public EagerExecutor(Device device) {
        this.device = device;
        this.lowering = new Lowering(device);
    }

    @Override
    public Device device() {
        return device;
    }

    @Override
    public List<Tensor> run(Opcode opcode, @Nullable Object attributes, List<TensorSpec> outputs, @Nullable Tensor... inputs) {
        Storage[] results = lowering.run(opcode, attributes, outputs, storages(inputs));
        List<Tensor> tensors = new ArrayList<>(results.length);
        for (Storage result : results) {
            owned.add(result);
            tensors.add(Tensor.of(result));
        }
        return tensors;
    }

    @Override
    public void update(Opcode opcode, @Nullable Object attributes, List<Tensor> targets, @Nullable Tensor... inputs) {
        Storage[] written = new Storage[targets.size()];
        for (int i = 0; i < written.length; i++) {
            written[i] = targets.get(i).storage();
        }
        lowering.update(opcode, attributes, written, storages(inputs));
    }

    @Override
    public Tensor alias(Tensor tensor) {
        return Tensor.of(tensor.storage());
    }

    @Override
    public Tensor keep(Tensor tensor) {
        if (owned.remove(tensor.storage())) {
            device.pool().forget(tensor.storage());
        }
        return tensor;
    }

    @Override
    public void close() {
        owned.forEach(device.pool()::giveBack);
        owned.clear();
    }

    private static @Nullable Storage[] storages(@Nullable Tensor[] tensors) {
        @Nullable Storage[] storages = new Storage[tensors.length];
        for (int i = 0; i < tensors.length; i++) {
            Tensor tensor = tensors[i];
            storages[i] = tensor == null ? null : tensor.storage();
        }
        return storages;
    }
}
