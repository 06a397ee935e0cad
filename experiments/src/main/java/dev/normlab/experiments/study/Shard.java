package dev.normlab.experiments.study;

import dev.normlab.experiments.run.UserError;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/// The part of a study's runs that one process does: those whose number leaves `index` when divided by `of`.
///
/// @param index  from 0
/// @param of     how many parts there are
/// @param origin who said so, for messages; empty if nobody did
/// @param notice what the user should know of it, as a sentence; empty if nothing
public record Shard(int index, int of, String origin, String notice) {

    /// All runs.
    public static final Shard WHOLE = new Shard(0, 1, "");

    private static final String SLURM = "the Slurm job array";

    /// Checks the values.
    ///
    /// @throws UserError if the index is not one of the parts
    public Shard {
        if (of < 1 || index < 0 || index >= of) {
            throw UserError
                    .usage(origin + ": expected an index from 0 to the number of parts less one, but got index " + index + " of " + of);
        }
    }

    /// A part without a notice.
    ///
    /// @throws UserError if the index is not one of the parts
    public Shard(int index, int of, String origin) {
        this(index, of, origin, "");
    }

    /// The part that the options say, or else the variables of Slurm's job arrays or of Kubernetes' indexed Jobs, or else everything. A job
    /// array with gaps (`--array=1,4,6,7`) has no parts by number: its tasks share all runs out by their locks.
    ///
    /// @param environment the process's environment
    /// @throws UserError if only one half is said, or something is no number
    public static Shard of(OptionalInt index, OptionalInt of, Map<String, String> environment) {
        if (index.isPresent() != of.isPresent()) {
            throw UserError.usage("--index, --of: give both, for example --index 0 --of 4 for the first of four parts");
        }
        if (index.isPresent()) {
            return new Shard(index.getAsInt(), of.getAsInt(), "--index, --of");
        }
        if (environment.containsKey("SLURM_ARRAY_TASK_ID")) {
            return ofSlurm(environment);
        }
        if (environment.containsKey("JOB_COMPLETION_INDEX")) {
            return new Shard(number(environment, "JOB_COMPLETION_INDEX"), number(environment, "JOB_COMPLETIONS"), "the Kubernetes Job");
        }
        return WHOLE;
    }

    private static Shard ofSlurm(Map<String, String> environment) {
        int task = number(environment, "SLURM_ARRAY_TASK_ID");
        int first = number(environment, "SLURM_ARRAY_TASK_MIN");
        int count = number(environment, "SLURM_ARRAY_TASK_COUNT");
        int step = environment.containsKey("SLURM_ARRAY_TASK_STEP") ? Math.max(1, number(environment, "SLURM_ARRAY_TASK_STEP")) : 1;
        int last = environment.containsKey("SLURM_ARRAY_TASK_MAX")
                ? number(environment, "SLURM_ARRAY_TASK_MAX")
                : first + (count - 1) * step;
        int index = (task - first) / step;
        if (last - first != (count - 1) * step || (task - first) % step != 0 || index < 0 || index >= count) {
            return new Shard(0, 1, SLURM, SLURM + " has gaps (" + count + " tasks from " + first + " to " + last
                    + "), so that this task takes any run of the whole study that no other one is doing");
        }
        return new Shard(index, count, SLURM);
    }

    private static int number(Map<String, String> environment, String name) {
        String text = environment.get(name);
        try {
            return Integer.parseInt(String.valueOf(text).strip());
        } catch (NumberFormatException e) {
            String how = name.equals("JOB_COMPLETIONS")
                    ? "; a Job says only the index, so give the number of completions in this variable (see deploy/k8s), or --index and --of"
                    : "; or give --index and --of";
            throw UserError.usage("the environment variable " + name + ": expected a number, but "
                    + (text == null ? "it is not set" : "got '" + text + "'") + how);
        }
    }

    /// The runs of this part.
    public List<PlannedRun> of(List<PlannedRun> runs) {
        return runs.stream().filter(run -> run.number() % of == index).toList();
    }

    /// In words, such as `part 1 of 4 (the Slurm job array)`, counted from 1.
    @Override
    public String toString() {
        return "part " + (index + 1) + " of " + of + (origin.isEmpty() ? "" : " (" + origin + ")");
    }
}
