package dev.normlab.attacks;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/// An attack's programs for the batch sizes of a victim, made when they are first needed. Two are kept, the ones used last: that is what a
/// pass over some full batches and a smaller last one needs, and attacks go on with fewer and fewer images.
///
/// @param <P> the program
final class ProgramsBySize<P extends BatchProgram> implements AutoCloseable {

    private static final int KEPT = 2;
    private static final float LOAD_FACTOR = .75f;

    private final Function<Victim, P> maker;
    private final Map<Integer, P> programs = new LinkedHashMap<>(2 * KEPT, LOAD_FACTOR, true);

    /// @param maker of the program for a victim's batch size
    ProgramsBySize(Function<Victim, P> maker) {
        this.maker = maker;
    }

    /// The program for the victim of a batch.
    P of(PointBatch batch) {
        P known = programs.get(batch.victim().batchSize());
        if (known != null) {
            return known;
        }
        if (programs.size() == KEPT) {
            int oldest = programs.keySet().iterator().next();
            Objects.requireNonNull(programs.remove(oldest)).close();
        }
        P made = maker.apply(batch.victim());
        programs.put(batch.victim().batchSize(), made);
        return made;
    }

    @Override
    public void close() {
        programs.values().forEach(BatchProgram::close);
        programs.clear();
    }
}
