package dev.normlab.engine.tornado;

import dev.normlab.engine.kernel.AcceleratorException;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.Attributes.RunningStatistics;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.program.Operation;
import dev.normlab.engine.program.StagedProgram;
import dev.normlab.engine.program.StepProgram;
import dev.normlab.engine.program.StepProgram.Role;
import dev.normlab.engine.program.StepProgram.Value;
import dev.normlab.engine.tensor.DType;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.Storage;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import dev.normlab.engine.tornado.Memory.Region;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// A recorded program on an accelerator: its operations are kernels of a chain of task graphs, its tensors lie in two large arrays on the
/// device ([Memory]).
///
/// Parameters, optimiser state and statistics stay there from replay to replay; only feeds, small scalars and fetched results cross. A
/// storage that the program has changed brings its contents back when the host asks for them ([Storage.Owner]), and one that the host (or
/// another program) has changed is sent again, which its version tells.
final class TornadoProgram implements StagedProgram, Storage.Owner {

    /// Tensors of at most this many elements that a program only reads are sent at every replay: learning rates, counters, scales.
    private static final int SMALL = 64;

    private final StepProgram program;
    private final int split;
    private final Map<String, Integer> held;
    private final Device device;
    private final TornadoAccelerator accelerator;
    private final MemoryLimit limit;
    private final Memory memory = new Memory();
    private final int[] blocks;
    private final boolean[] delayed;
    private final boolean[] writtenFirst;
    private final boolean[] writtenSecond;
    private final long[] versions;
    private final Map<String, Integer> outputs = new LinkedHashMap<>();
    private final Map<Integer, Integer> feedsBack = new LinkedHashMap<>();
    private final TaskChain chain;
    private final List<Storage> fetched = new ArrayList<>();
    private final int flag;
    private final int tables;
    private final int[] tableValues;
    private boolean loaded;
    private boolean saved;
    private boolean lost;

    /// Lowers a program; compiles nothing yet.
    ///
    /// @param split the number of operations of the first stage
    /// @param held  fetches that stay on the device for the second stage, by name
    TornadoProgram(StepProgram program, int split, Map<String, Integer> held, Device device, TornadoAccelerator accelerator) {
        this.program = program;
        this.split = split;
        this.held = Map.copyOf(held);
        this.device = device;
        this.accelerator = accelerator;
        this.limit = accelerator.memory();
        this.blocks = new int[program.values().size()];
        this.delayed = new boolean[program.operations().size()];
        this.writtenFirst = new boolean[blocks.length];
        this.writtenSecond = new boolean[blocks.length];
        this.versions = new long[blocks.length];
        Arrays.fill(versions, -1);
        Tasks tasks = new Tasks();
        Launches launches = new Launches(program, memory, tasks, blocks, accelerator.library());
        placeValues();
        this.flag = memory.add(Region.OUTPUT, DType.FLOAT32, 1, 0, 0);
        int launchesOfFirst = lower(launches);
        this.tables = launches.placeTables();
        memory.place();
        this.tableValues = launches.tables();
        this.chain = new TaskChain(tasks.entries(), launchesOfFirst, memory, launches.context, accelerator);
    }

    private void placeValues() {
        List<Operation> operations = program.operations();
        placeDelays();
        int[] birth = new int[blocks.length], death = new int[blocks.length], firstRead = new int[blocks.length];
        Arrays.fill(birth, operations.size());
        Arrays.fill(firstRead, operations.size());
        for (int i = 0; i < operations.size(); i++) {
            Operation operation = operations.get(i);
            for (int id : operation.outputs()) {
                birth[id] = Math.min(birth[id], i);
                death[id] = Math.max(death[id], i);
                (i < split ? writtenFirst : writtenSecond)[id] |= operation.opcode().updatesInPlace();
            }
            for (int id : operation.inputs()) {
                if (id >= 0) {
                    death[id] = Math.max(death[id], delayed[i] ? endOfStage(i) - 1 : i);
                    firstRead[id] = Math.min(firstRead[id], i);
                }
            }
        }
        for (int id = 0; id < blocks.length; id++) {
            Value value = program.values().get(id);
            boolean constant = !isWritten(id) && value.spec().shape().elements() <= SMALL;
            boolean late = firstRead[id] >= split && firstRead[id] < operations.size() && !program.fetches().containsValue(id);
            Region region = switch (value.role()) {
                case FEED -> Region.INPUT;
                case RESIDENT -> constant ? late ? Region.LATE_INPUT : Region.INPUT : Region.STATE;
                case INTERMEDIATE ->
                    held.containsValue(id) ? Region.HELD : program.fetches().containsValue(id) ? Region.OUTPUT : Region.WORK;
            };
            blocks[id] = memory.add(region, value.spec().dtype(), value.spec().shape().elements(), birth[id], death[id]);
        }
    }

    /// Updates of running statistics wait for the end of their stage if nothing else in the program reads or writes what they update, and
    /// nothing behind them writes what they read.
    private void placeDelays() {
        List<Operation> operations = program.operations();
        int[] users = new int[blocks.length], lastWritten = new int[blocks.length];
        for (int i = 0; i < delayed.length; i++) {
            Operation operation = operations.get(i);
            IntStream.concat(Arrays.stream(operation.inputs()), Arrays.stream(operation.outputs())).filter(id -> id >= 0).distinct()
                    .forEach(id -> users[id]++);
            for (int id : operation.outputs()) {
                lastWritten[id] = i;
            }
        }
        for (int i = 0; i < delayed.length; i++) {
            Operation operation = operations.get(i);
            int update = i;
            delayed[i] = operation.opcode() == Opcode.UPDATE_RUNNING_STATISTICS
                    && Arrays.stream(operation.outputs()).allMatch(id -> users[id] == 1)
                    && Arrays.stream(operation.inputs()).allMatch(id -> lastWritten[id] < update);
        }
    }

    private int endOfStage(int operation) {
        return operation < split ? split : program.operations().size();
    }

    private boolean isWritten(int id) {
        return writtenFirst[id] || writtenSecond[id];
    }

    /// Lowers all operations; returns how many launches the first stage has.
    private int lower(Launches launches) {
        lower(launches, 0, split);
        program.fetches().forEach((name, id) -> {
            if (!held.containsKey(name)) {
                outputs.put(name, memory.region(blocks[id]) == Region.OUTPUT ? blocks[id] : copied(launches, id));
            }
        });
        program.feeds().values().forEach(id -> {
            if (writtenFirst[id]) {
                feedsBack.put(id, copied(launches, id));
            }
        });
        if (!held.isEmpty()) {
            TornadoUpdates.countNonFinite(launches, memory, flag);
        }
        int count = launches.tasks().entries().size();
        lower(launches, split, program.operations().size());
        return count;
    }

    /// Lowers a stage; updates of many parameters in a row are one launch, and so are updates of running statistics, at its end.
    private void lower(Launches launches, int from, int end) {
        List<Operation> operations = program.operations();
        Map<Float, List<Integer>> statistics = new LinkedHashMap<>();
        for (int i = from; i < end; i++) {
            launches.begin(i);
            Opcode opcode = operations.get(i).opcode();
            if (opcode == Opcode.SGD) {
                int next = i;
                while (next < end && operations.get(next).opcode() == Opcode.SGD) {
                    next++;
                }
                TornadoUpdates.sgd(launches, i, next);
                i = next - 1;
            } else if (delayed[i]) {
                statistics.computeIfAbsent(launches.attributes(RunningStatistics.class).momentum(), _ -> new ArrayList<>()).add(i);
            } else if (opcode == Opcode.UPDATE_RUNNING_STATISTICS) {
                TornadoBatchNorms.updateRunningStatistics(launches, List.of(i));
            } else {
                TornadoLowering.lower(launches, spec(operations.get(i).outputs()[0]).dtype());
            }
        }
        statistics.values().forEach(updates -> TornadoBatchNorms.updateRunningStatistics(launches, updates));
        if (end > from) {
            launches.begin(end - 1); // what follows in this stage comes behind all of its operations
        }
    }

    /// The block of the outputs into which the program copies a value at its end.
    private int copied(Launches launches, int id) {
        TensorSpec spec = spec(id);
        int block = memory.add(Region.OUTPUT, spec.dtype(), spec.shape().elements(), 0, 0);
        TornadoArrangements.copy(launches, "fetch", new Launches.Operand(memory, blocks[id], spec.shape()),
                new Launches.Operand(memory, block, spec.shape()), spec.dtype());
        return block;
    }

    private TensorSpec spec(int id) {
        return program.values().get(id).spec();
    }

    @Override
    public StepProgram program() {
        return program;
    }

    @Override
    public Map<String, Tensor> replay(Map<String, Tensor> feeds) {
        release();
        requireFeeds(feeds);
        requireState();
        if (!memory.isTaken()) {
            takeMemory();
            Transfers.send(tableValues, memory.intStaging(Region.STATE), memory.staged(tables), tableValues.length);
        }
        sendState();
        program.feeds().forEach((name, id) -> send(storage(feeds, name), blocks[id]));
        sendConstants(Region.INPUT);
        run(chain::runFirst);
        claim(writtenFirst);
        feedsBack.forEach((id, block) -> {
            Storage storage = storage(feeds, nameOfFeed(id));
            receive(block, storage);
            storage.touch();
        });
        return results();
    }

    private void takeMemory() {
        MemoryLimit.requirePiece(memory.largest(), accelerator.device().getPhysicalDevice().getDeviceMaxAllocationSize());
        limit.take(memory.bytes());
        boolean taken = false;
        try {
            memory.take(accelerator.isPoisoning());
            taken = true;
        } finally {
            if (!taken) {
                limit.giveBack(memory.bytes());
            }
        }
    }

    @Override
    public void finish() {
        for (int id : changedState()) {
            throw new IllegalStateException("the host has changed " + program.values().get(id).spec()
                    + " between the two stages of a program, which would be lost; change it before the first stage");
        }
        sendConstants(Region.LATE_INPUT);
        run(chain::runSecond);
        claim(writtenSecond);
    }

    /// Runs graphs. If one fails, the state on the device is half that of one step and half that of another: nobody gets it.
    void run(Runnable graphs) {
        boolean done = false;
        try {
            graphs.run();
            done = true;
        } finally {
            if (!done) {
                loaded = false;
                Arrays.fill(versions, -1);
                lost = isClaimed();
            }
        }
    }

    /// Nobody takes old contents for what was lost; where the host has replaced all of it, the program goes on.
    private void requireState() {
        lost = lost && isClaimed();
        if (lost) {
            throw new AcceleratorException("what the GPU computed is lost since it failed in the middle of a step; go on from the last "
                    + "checkpoint");
        }
    }

    private boolean isClaimed() {
        return program.values().stream().anyMatch(value -> value.storage() != null && value.storage().newerContents() == this);
    }

    @Override
    public boolean heldIsFinite() {
        return memory.floatStaging(Region.OUTPUT).get(memory.staged(flag)) == 0f;
    }

    @Override
    public Map<String, Tensor> held() {
        chain.hold();
        Map<String, Tensor> copies = new LinkedHashMap<>();
        held.forEach((name, id) -> copies.put(name, fetch(id, blocks[id])));
        return copies;
    }

    private void sendConstants(Region region) {
        for (int id = 0; id < blocks.length; id++) {
            Storage storage = program.values().get(id).storage();
            if (storage != null && memory.region(blocks[id]) == region) {
                send(storage, blocks[id]);
            }
        }
    }

    /// Says of the residents that a stage has changed that the device has their newest contents.
    private void claim(boolean[] written) {
        saved = false;
        for (int id = 0; id < blocks.length; id++) {
            Storage storage = program.values().get(id).storage();
            if (storage != null && written[id]) {
                storage.changedBy(this);
                versions[id] = storage.version();
            }
        }
    }

    private Tensor fetch(int id, int block) {
        TensorSpec spec = spec(id);
        Storage storage = device.pool().take(spec.dtype(), spec.shape(), Layout.PLAIN);
        receive(block, storage);
        fetched.add(storage);
        return Tensor.of(storage);
    }

    private Map<String, Tensor> results() {
        Map<String, Tensor> results = new LinkedHashMap<>();
        outputs.forEach((name, block) -> results.put(name, fetch(id(name), block)));
        return results;
    }

    private int id(String fetch) {
        Integer id = program.fetches().get(fetch);
        if (id == null) {
            throw new IllegalStateException("the program has no fetch '" + fetch + "'");
        }
        return id;
    }

    private String nameOfFeed(int id) {
        return program.feeds().entrySet().stream().filter(feed -> feed.getValue() == id).findFirst().orElseThrow().getKey();
    }

    private static Storage storage(Map<String, Tensor> feeds, String name) {
        Tensor given = feeds.get(name);
        if (given == null) {
            throw new IllegalArgumentException("the program's feed '" + name + "' is missing");
        }
        return given.storage();
    }

    private void requireFeeds(Map<String, Tensor> feeds) {
        for (String name : feeds.keySet()) {
            if (!program.feeds().containsKey(name)) {
                throw new IllegalArgumentException("the program has no feed '" + name + "'; it has " + program.feeds().keySet());
            }
        }
        program.feeds().forEach((name, id) -> {
            Tensor given = feeds.get(name);
            if (given == null || !given.spec().equals(spec(id))) {
                throw new IllegalArgumentException(
                        "the program's feed '" + name + "' is " + spec(id) + ", but got " + (given == null ? "nothing" : given));
            }
        });
    }

    /// Sends all of the state if somebody else has changed a part of it.
    private void sendState() {
        List<Integer> changed = changedState();
        if (loaded && changed.isEmpty()) {
            return;
        }
        if (loaded) {
            save();
        }
        loaded = false; // if sending fails, all that has changed is sent again; the rest lies in the staging
        long[] sent = versions.clone();
        for (int id : changed) {
            Storage storage = program.values().get(id).storage();
            if (storage != null) {
                send(storage, blocks[id]);
                sent[id] = storage.version();
            }
        }
        chain.load();
        System.arraycopy(sent, 0, versions, 0, sent.length);
        loaded = true;
    }

    /// The residents that somebody else has changed since they were sent.
    private List<Integer> changedState() {
        List<Integer> changed = new ArrayList<>();
        for (int id = 0; id < blocks.length; id++) {
            Storage storage = program.values().get(id).storage();
            if (storage != null && memory.region(blocks[id]) == Region.STATE && storage.version() != versions[id]) {
                changed.add(id);
            }
        }
        return changed;
    }

    /// Reads the state into the host's copy of the device's arrays.
    private void save() {
        requireState();
        if (!saved) {
            chain.save();
            saved = true;
        }
    }

    @Override
    public synchronized void bringBack(Storage storage) {
        for (int id = 0; id < blocks.length; id++) {
            if (program.values().get(id).storage() == storage) {
                save();
                receive(blocks[id], storage);
                return;
            }
        }
        throw new IllegalStateException("the program has no storage of shape " + storage.shape());
    }

    private void send(Storage storage, int block) {
        int elements = storage.shape().elements();
        if (storage.dtype() == DType.INT32) {
            Transfers.send(storage.ints(), memory.intStaging(memory.region(block)), memory.staged(block), elements);
            return;
        }
        float[] values = storage.floats();
        if (storage.layout().isBlocked()) {
            float[] plain = new float[elements];
            storage.layout().unpack(storage.shape(), values, plain);
            values = plain;
        }
        Transfers.send(values, memory.floatStaging(memory.region(block)), memory.staged(block), elements);
    }

    private void receive(int block, Storage storage) {
        int elements = storage.shape().elements();
        if (storage.dtype() == DType.INT32) {
            Transfers.receive(memory.intStaging(memory.region(block)), memory.staged(block), storage.ints(), elements);
            return;
        }
        if (storage.layout().isBlocked()) {
            float[] plain = new float[elements];
            Transfers.receive(memory.floatStaging(memory.region(block)), memory.staged(block), plain, elements);
            storage.layout().pack(storage.shape(), plain, storage.floats());
            return;
        }
        Transfers.receive(memory.floatStaging(memory.region(block)), memory.staged(block), storage.floats(), elements);
    }

    @Override
    public void release() {
        fetched.forEach(device.pool()::giveBack);
        fetched.clear();
    }

    /// Brings the state back and frees the device's memory.
    @Override
    public void close() {
        release();
        boolean settled = false;
        try {
            for (Value value : program.values()) {
                Storage storage = lost ? null : value.storage();
                if (value.role() == Role.RESIDENT && storage != null && storage.newerContents() == this) {
                    settle(storage);
                }
            }
            settled = true;
        } finally {
            lost |= !settled;
            loaded = false;
            Arrays.fill(versions, -1);
            if (memory.isTaken()) {
                limit.giveBack(memory.bytes());
            }
            chain.close();
            memory.drop();
        }
    }

    private static @Nullable Object settle(Storage storage) {
        return storage.dtype() == DType.INT32 ? storage.ints() : storage.floats();
    }
}
