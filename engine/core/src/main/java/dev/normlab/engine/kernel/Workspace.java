package dev.normlab.engine.kernel;

import dev.normlab.engine.tensor.Storage;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// What a kernel may use beside its operands: the team of threads, scratch arrays, and packed copies of weights. Kernels allocate nothing
/// themselves.
public final class Workspace {

    private final Workers workers;
    private final Map<String, float[]>[] scratch;
    private final Map<String, double[]>[] scratchDoubles;
    private final Map<String, int[]>[] scratchInts;
    private final Map<Storage, Map<Object, Packed>> packs = new WeakHashMap<>();

    // Arrays without an owner: enough for one layer's forms.
    private static final int MOST_RELEASED = 4;
    private final List<float[]> released = new ArrayList<>();

    private final Set<Storage> expected = Collections.newSetFromMap(new WeakHashMap<>());

    private float[] passing = {};

    /// @param values null if the version was seen only once so far
    private record Packed(long version, float @Nullable [] values) {}

    /// A workspace for this team.
    @SuppressWarnings({"unchecked", "rawtypes"})
    public Workspace(Workers workers) {
        this.workers = workers;
        this.scratch = new Map[workers.threads()];
        this.scratchDoubles = new Map[workers.threads()];
        this.scratchInts = new Map[workers.threads()];
        for (int worker = 0; worker < scratch.length; worker++) {
            scratch[worker] = new HashMap<>();
            scratchDoubles[worker] = new HashMap<>();
            scratchInts[worker] = new HashMap<>();
        }
    }

    /// The team of threads.
    public Workers workers() {
        return workers;
    }

    /// A scratch array of at least `length` floats for one team member, with undefined contents. Two arrays that are in use at the same
    /// time need different purposes; the same purpose gives the same array again.
    public float[] scratch(int worker, String purpose, int length) {
        float[] array = scratch[worker].get(purpose);
        if (array == null || array.length < length) {
            array = new float[length];
            scratch[worker].put(purpose, array);
        }
        return array;
    }

    /// A scratch array of at least `length` doubles, as [#scratch] gives floats: for sums that are rounded once at the end.
    public double[] scratchDoubles(int worker, String purpose, int length) {
        double[] array = scratchDoubles[worker].get(purpose);
        if (array == null || array.length < length) {
            array = new double[length];
            scratchDoubles[worker].put(purpose, array);
        }
        return array;
    }

    /// A scratch array of at least `length` ints, as [#scratch] gives floats: for positions.
    public int[] scratchInts(int worker, String purpose, int length) {
        int[] array = scratchInts[worker].get(purpose);
        if (array == null || array.length < length) {
            array = new int[length];
            scratchInts[worker].put(purpose, array);
        }
        return array;
    }

    /// A packed copy of a storage, valid until the next call. To be called by the caller of a kernel's chunks, not inside them.
    ///
    /// The copy is kept from the second use of a version on, or from the first on after [#expectMany]. Weights in training have a new
    /// version at every use: their copies share one array.
    ///
    /// @param form   what is packed how: equal forms of one storage share the copy
    /// @param length floats of the packed array, which may be longer
    /// @param pack   fills the packed array, whose contents are undefined before
    public float[] packed(Storage storage, Object form, int length, Consumer<float[]> pack) {
        Map<Object, Packed> forms = packs.computeIfAbsent(storage, _ -> new HashMap<>());
        Packed known = forms.get(form);
        boolean again = expected.contains(storage);
        if (known != null && known.version == storage.version()) {
            if (known.values != null) {
                return known.values;
            }
            again = true;
        }
        float[] values = again ? kept(length) : passing(length);
        pack.accept(values);
        forms.put(form, new Packed(storage.version(), again ? values : null));
        return values;
    }

    /// Says that a storage will be used many times as it is, until it is released.
    public void expectMany(Storage storage) {
        expected.add(storage);
    }

    /// Forgets the packed copies of a storage that is used no more. Copies of the next ones take their place, because fresh memory costs
    /// more than packing.
    public void release(Storage storage) {
        expected.remove(storage);
        Map<Object, Packed> forms = packs.remove(storage);
        if (forms == null) {
            return;
        }
        for (Packed packed : forms.values()) {
            if (packed.values != null) {
                released.add(packed.values);
            }
        }
        while (released.size() > MOST_RELEASED) {
            released.removeFirst();
        }
    }

    // A released array that is large enough and not more than twice that, or a new one.
    private float[] kept(int length) {
        for (int i = 0; i < released.size(); i++) {
            int held = released.get(i).length;
            if (held >= length && held / 2 <= length) {
                return released.remove(i);
            }
        }
        return new float[length];
    }

    private float[] passing(int length) {
        if (passing.length < length) {
            passing = new float[length];
        }
        return passing;
    }
}
