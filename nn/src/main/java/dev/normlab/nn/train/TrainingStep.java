package dev.normlab.nn.train;

import dev.normlab.engine.autograd.Gradients;
import dev.normlab.engine.autograd.Reductions;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.Recent;
import dev.normlab.engine.program.CompiledProgram;
import dev.normlab.engine.program.Executor;
import dev.normlab.engine.program.ProgramCompiler;
import dev.normlab.engine.program.Recorder;
import dev.normlab.engine.program.StagedProgram;
import dev.normlab.engine.program.StepProgram;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.InputSizes;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Parameter;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.optim.Optimizer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/// One step of training: forward, backward, hooks and update, in a fixed order.
///
/// The step is recorded when a batch of a new shape comes, and replayed from then on, so that its memory is planned by what is alive
/// together. It consists of two programs. The first computes loss and gradients and depends on the batch's shape: an odd last batch has its
/// own. The second runs the hooks and the optimiser on the gradients and is the same for all batches of images of one size. Between the two
/// the loss and the gradients are checked, so that a step that meets NaN or infinity changes no parameter. A host-side hook splits the
/// second program once more. [#runEagerly] computes bitwise the same without recording.
public final class TrainingStep implements AutoCloseable {

    private static final String IMAGES = "images";
    private static final String LABELS = "labels";
    private static final String LOSS = "loss";
    private static final String PREDICTIONS = "predictions";
    private static final String CHANGED_PREDICTIONS = "predictions of changed images";
    private static final String GRADIENT = "gradient of ";

    // Programs that are kept, one for each shape of a batch and set of trained parameters.
    private static final int MOST_SHAPES = 16;

    private final Layer model;
    private final Objective objective;
    private final Optimizer optimizer;
    private final List<TrainingHook> hooks;
    private final Device device;
    private final Recent<Key, Forward> forwards = new Recent<>(MOST_SHAPES, forward -> forward.compiled.close());
    private final Recent<Key, List<Part>> updates = new Recent<>(MOST_SHAPES, TrainingStep::closeAll);
    private final Recent<Key, Staged> stageds = new Recent<>(MOST_SHAPES, staged -> staged.program.close());
    private @Nullable CompiledProgram latest;
    private long step;

    /// What a program depends on: the shape of the images (the update: of one image) and which parameters are trained.
    private record Key(Shape images, List<String> trained) {}

    /// The program of forward and backward pass, the number of logits of an image, and the sizes that the layers meet in it.
    private record Forward(CompiledProgram compiled, int classes, InputSizes sizes) {}

    /// Forward and backward pass, and behind them the update, on an accelerator.
    private record Staged(StagedProgram program, int classes, InputSizes sizes) {}

    /// What a forward pass found.
    private record Found(Tensor loss, Tensor predictions, Optional<Tensor> changedPredictions) {}

    /// A part of the update: a program, or a hook that runs on the host.
    private sealed interface Part {

        record Program(CompiledProgram compiled) implements Part {}

        record Host(TrainingHook hook) implements Part {}
    }

    /// A step that has recorded nothing yet.
    ///
    /// @param hooks run at their moments, those of one moment in this order
    public TrainingStep(Layer model, Objective objective, Optimizer optimizer, List<? extends TrainingHook> hooks, Device device) {
        this.model = model;
        this.objective = objective;
        this.optimizer = optimizer;
        this.hooks = hooks.stream().map(hook -> (TrainingHook) hook).sorted(Comparator.comparing(TrainingHook::moment)).toList();
        this.device = device;
    }

    /// The number of the next step, from 0: layers with random numbers take those of the step.
    public long step() {
        return step;
    }

    /// Continues at another step.
    public void step(long next) {
        step = next;
    }

    /// The model that is trained.
    public Layer model() {
        return model;
    }

    /// What updates the parameters.
    public Optimizer optimizer() {
        return optimizer;
    }

    /// The hooks in the order in which they run.
    public List<TrainingHook> hooks() {
        return hooks;
    }

    /// Where the step is computed.
    public Device device() {
        return device;
    }

    /// Takes one step by replaying its programs.
    ///
    /// @param images `[n, c, h, w]`
    /// @param labels int `[n]`
    /// @throws DivergenceException      if the loss or a gradient is NaN or infinite; no parameter has changed then. Or if a hook fails for
    ///                                  numbers that are not finite or too large (an [ArithmeticException]); some may have changed then
    /// @throws IllegalArgumentException if a label is not below the number of logits
    public StepResult run(Tensor images, Tensor labels) {
        prepare();
        List<Parameter> trained = trained();
        if (device.accelerator() instanceof ProgramCompiler compiler && hooks.stream().noneMatch(TrainingHook::actsOnHost)) {
            return runStaged(images, labels, trained, compiler);
        }
        List<String> names = trained.stream().map(Parameter::name).toList();
        Forward recorded = forwards.get(new Key(images.shape(), names), _ -> {
            Recorded forward = recordForward(images, labels, trained);
            return new Forward(CompiledProgram.of(forward.program, device), forward.classes, InputSizes.of(model));
        });
        Labels.requireBelow(labels, recorded.classes);
        recorded.sizes.restore(); // for hooks on the host and listeners, which measure norms
        CompiledProgram forward = recorded.compiled;
        if (latest != null && latest != forward) {
            latest.release(); // its gradients were used up in its own step
        }
        latest = forward;
        Map<String, Tensor> results = forward.replay(Map.of(IMAGES, images, LABELS, labels));
        Gradients gradients = gradients(trained, results);
        Found found = found(results);
        StepResult result = check(found, gradients, images, labels);
        List<Part> parts = updates.get(new Key(images.shape().with(0, 1), names), _ -> recordUpdate(trained, gradients));
        optimizer.beforeStep();
        for (Part part : parts) {
            switch (part) {
                case Part.Program program -> program.compiled.replay(feedsOf(program.compiled, results));
                case Part.Host host -> runOnHost(host.hook, gradients);
            }
        }
        step++;
        return result;
    }

    /// Takes one step on an accelerator: gradients stay there, and whether they are finite is all that the host hears of them.
    private StepResult runStaged(Tensor images, Tensor labels, List<Parameter> trained, ProgramCompiler compiler) {
        List<String> names = trained.stream().map(Parameter::name).toList();
        Staged staged = stageds.get(new Key(images.shape(), names), _ -> {
            Recorded forward = recordForward(images, labels, trained);
            Recorder update = new Recorder(device);
            Map<Tensor, Tensor> feeds = new LinkedHashMap<>();
            for (Parameter parameter : trained) {
                if (forward.program.fetches().containsKey(GRADIENT + parameter.name())) {
                    feeds.put(parameter.tensor(), update.feed(GRADIENT + parameter.name(), parameter.tensor().spec()));
                }
            }
            Gradients gradients = new Gradients(feeds);
            applyRecorded(update, gradients, false);
            optimizer.apply(update, gradients);
            applyRecorded(update, gradients, true);
            return new Staged(compiler.compile(forward.program, update.program(), device), forward.classes, InputSizes.of(model));
        });
        Labels.requireBelow(labels, staged.classes);
        staged.sizes.restore();
        Map<String, Tensor> results = staged.program.replay(Map.of(IMAGES, images, LABELS, labels));
        Found found = found(results);
        boolean finite = staged.program.heldIsFinite();
        StepResult result = check(found, finite ? new Gradients(Map.of()) : gradients(trained, staged.program.held()), images, labels);
        optimizer.beforeStep();
        staged.program.finish();
        step++;
        return result;
    }

    private static Found found(Map<String, Tensor> results) {
        return new Found(value(results, LOSS), value(results, PREDICTIONS), Optional.ofNullable(results.get(CHANGED_PREDICTIONS)));
    }

    private static Gradients gradients(List<Parameter> trained, Map<String, Tensor> results) {
        Map<Tensor, Tensor> byTensor = new LinkedHashMap<>();
        trained.forEach(parameter -> {
            Tensor gradient = results.get(GRADIENT + parameter.name());
            if (gradient != null) {
                byTensor.put(parameter.tensor(), gradient);
            }
        });
        return new Gradients(byTensor);
    }

    /// Takes one step by computing every operation at once, bitwise like [#run].
    ///
    /// @throws DivergenceException as [#run]
    public StepResult runEagerly(Tensor images, Tensor labels) {
        prepare();
        try (Tape tape = Tape.eager(device, model.trainable())) {
            Objective.Outcome outcome = objective.evaluate(tape, model, images, labels);
            Found found = new Found(outcome.loss(), predictions(tape, outcome.logits()),
                    outcome.changedLogits().map(logits -> predictions(tape, logits)));
            Gradients gradients = tape.backward(outcome.loss());
            StepResult result = check(found, gradients, images, labels);
            optimizer.beforeStep();
            applyHooks(tape.executor(), gradients, false);
            optimizer.apply(tape.executor(), gradients);
            applyHooks(tape.executor(), gradients, true);
            step++;
            return result;
        }
    }

    private void prepare() {
        model.train();
        model.atStep(step);
        objective.beforeStep(step);
        hooks.forEach(hook -> hook.beforeStep(step));
    }

    private List<Parameter> trained() {
        List<Parameter> trained = model.namedParameters().values().stream().filter(parameter -> !parameter.frozen()).toList();
        if (trained.isEmpty()) {
            throw new IllegalStateException("there is nothing to train: all parameters of the model are frozen");
        }
        return trained;
    }

    /// The program of forward and backward pass before it is compiled.
    private record Recorded(StepProgram program, int classes) {}

    private Recorded recordForward(Tensor images, Tensor labels, List<Parameter> trained) {
        Recorder recorder = new Recorder(device);
        int classes;
        Tensor imageFeed = recorder.feed(IMAGES, images.spec());
        Tensor labelFeed = recorder.feed(LABELS, labels.spec());
        try (Tape tape = new Tape(recorder, trained.stream().map(Parameter::tensor).toList())) {
            Objective.Outcome outcome = objective.evaluate(tape, model, imageFeed, labelFeed);
            classes = outcome.logits().shape().size(-1);
            recorder.fetch(LOSS, outcome.loss());
            recorder.fetch(PREDICTIONS, predictions(tape, outcome.logits()));
            outcome.changedLogits().ifPresent(logits -> recorder.fetch(CHANGED_PREDICTIONS, predictions(tape, logits)));
            Gradients gradients = tape.backward(outcome.loss());
            for (Parameter parameter : trained) {
                gradients.find(parameter.tensor()).ifPresent(gradient -> recorder.fetch(GRADIENT + parameter.name(), gradient));
            }
        }
        return new Recorded(recorder.program(), classes);
    }

    private List<Part> recordUpdate(List<Parameter> trained, Gradients real) {
        List<Part> parts = new ArrayList<>();
        UpdateRecording recording = new UpdateRecording(trained, real, parts);
        hooks.stream().filter(hook -> hook.moment() != TrainingHook.Moment.AFTER_UPDATE).forEach(recording::add);
        optimizer.apply(recording.recorder, recording.gradients);
        hooks.stream().filter(hook -> hook.moment() == TrainingHook.Moment.AFTER_UPDATE).forEach(recording::add);
        recording.finish();
        return parts;
    }

    /// Records hooks and optimiser into programs, and begins a new program after every hook that runs on the host.
    private final class UpdateRecording {

        private final List<Parameter> trained;
        private final Gradients real;
        private final List<Part> parts;
        private Recorder recorder;
        private Gradients gradients;

        UpdateRecording(List<Parameter> trained, Gradients real, List<Part> parts) {
            this.trained = trained;
            this.real = real;
            this.parts = parts;
            this.recorder = new Recorder(device);
            this.gradients = feeds(recorder);
        }

        private Gradients feeds(Recorder into) {
            Map<Tensor, Tensor> byTensor = new LinkedHashMap<>();
            for (Parameter parameter : trained) {
                real.find(parameter.tensor()).ifPresent(
                        gradient -> byTensor.put(parameter.tensor(), into.feed(GRADIENT + parameter.name(), gradient.spec())));
            }
            return new Gradients(byTensor);
        }

        void add(TrainingHook hook) {
            if (!hook.hostSide()) {
                hook.apply(recorder, gradients);
                return;
            }
            finish();
            parts.add(new Part.Host(hook));
            recorder = new Recorder(device);
            gradients = feeds(recorder);
        }

        void finish() {
            CompiledProgram compiled = CompiledProgram.of(recorder.program(), device);
            if (!compiled.program().operations().isEmpty()) {
                parts.add(new Part.Program(compiled));
            }
        }
    }

    private void applyHooks(Executor executor, Gradients gradients, boolean afterUpdate) {
        for (TrainingHook hook : hooks) {
            if (hook.moment() == TrainingHook.Moment.AFTER_UPDATE == afterUpdate) {
                if (hook.hostSide()) {
                    runOnHost(hook, gradients);
                } else {
                    hook.apply(executor, gradients);
                }
            }
        }
    }

    /// The hooks that can be recorded; the host's have nothing to do in a step that is one program.
    private void applyRecorded(Executor executor, Gradients gradients, boolean afterUpdate) {
        for (TrainingHook hook : hooks) {
            if (hook.moment() == TrainingHook.Moment.AFTER_UPDATE == afterUpdate && !hook.hostSide()) {
                hook.apply(executor, gradients);
            }
        }
    }

    private void runOnHost(TrainingHook hook, Gradients gradients) {
        try (Tape tape = Tape.inference(device)) {
            hook.apply(tape.executor(), gradients);
        } catch (ArithmeticException e) {
            String name = hook.getClass().getSimpleName().isEmpty() ? "a hook" : hook.getClass().getSimpleName();
            throw new DivergenceException(name, step, "the loss is finite, but " + name + " cannot go on: " + e.getMessage() + ".", e);
        }
    }

    private static Tensor predictions(Tape tape, Tensor logits) {
        return Reductions.argMax(tape, logits, 1, false);
    }

    private StepResult check(Found found, Gradients gradients, Tensor images, Tensor labels) {
        float value = found.loss.item();
        if (!Float.isFinite(value)) {
            throw Divergence.ofLoss(value, model, objective, images, labels, device, step);
        }
        Divergence.requireFinite(model.namedParameters().values(), gradients, step);
        int[] wanted = labels.toIntArray();
        OptionalInt robustCorrect = found.changedPredictions.isPresent()
                ? OptionalInt.of(correct(found.changedPredictions.get(), wanted))
                : OptionalInt.empty();
        return new StepResult(value, correct(found.predictions, wanted), wanted.length, robustCorrect);
    }

    private static int correct(Tensor predictions, int[] wanted) {
        int[] predicted = predictions.toIntArray();
        int correct = 0;
        for (int i = 0; i < wanted.length; i++) {
            correct += predicted[i] == wanted[i] ? 1 : 0;
        }
        return correct;
    }

    private static Map<String, Tensor> feedsOf(CompiledProgram compiled, Map<String, Tensor> results) {
        Map<String, Tensor> feeds = new HashMap<>();
        compiled.program().feeds().keySet().forEach(name -> feeds.put(name, value(results, name)));
        return feeds;
    }

    private static Tensor value(Map<String, Tensor> results, String name) {
        return Objects.requireNonNull(results.get(name), () -> "the step has no result named '" + name + "'");
    }

    /// Hands the memory of the programs back. The programs themselves are recorded anew if the step is used again.
    @Override
    public void close() {
        latest = null;
        try {
            forwards.clear();
        } finally {
            try {
                stageds.clear();
            } finally {
                updates.clear();
            }
        }
    }

    private static void closeAll(List<Part> parts) {
        if (parts.isEmpty()) {
            return;
        }
        try {
            if (parts.getFirst() instanceof Part.Program program) {
                program.compiled.close();
            }
        } finally {
            closeAll(parts.subList(1, parts.size()));
        }
    }
}
