package dev.normlab.engine.kernel;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;

/// A cache of the values whose keys were asked for last, so that a process that meets ever new shapes does not grow without limit.
///
/// Safe to use from several threads; values are made one at a time.
///
/// @param <K> what is asked for, with `equals` and `hashCode`
/// @param <V> what is kept
public final class Recent<K, V> {

    private final int most;
    private final Consumer<? super V> dropped;
    private final Map<K, V> values = new LinkedHashMap<>(16, 0.75f, true);

    /// A memory of this size.
    ///
    /// @param most values that are kept, at least one
    public Recent(int most) {
        this(most, _ -> {
        });
    }

    /// A memory of this size that says what it drops.
    ///
    /// @param dropped is told of every value that is no longer kept
    public Recent(int most, Consumer<? super V> dropped) {
        if (most < 1) {
            throw new IllegalArgumentException("a cache keeps at least one value, but got " + most);
        }
        this.most = most;
        this.dropped = dropped;
    }

    /// The value of a key: the one that is kept, or a new one, for which the one that was asked for longest ago may go.
    public synchronized V get(K key, Function<? super K, ? extends V> make) {
        V known = values.get(key);
        if (known != null) {
            return known;
        }
        V made = make.apply(key);
        values.put(key, made);
        if (values.size() > most) {
            K oldest = values.keySet().iterator().next();
            V gone = values.remove(oldest);
            if (gone != null) {
                dropped.accept(gone);
            }
        }
        return made;
    }

    /// How many values are kept.
    public synchronized int size() {
        return values.size();
    }

    /// Drops all values. If telling of one fails, the others are told of, too, and the first failure is thrown then.
    public synchronized void clear() {
        List<V> all = List.copyOf(values.values());
        values.clear();
        RuntimeException failure = null;
        for (V value : all) {
            try {
                dropped.accept(value);
            } catch (RuntimeException e) {
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }
}
