package dev.normlab.experiments.run;

import dev.normlab.attacks.RobustLoss;
import dev.normlab.lip.norm.BatchNormProjection;
import dev.normlab.lip.norm.LayerKind;
import dev.normlab.lip.norm.Norm;
import dev.normlab.lip.norm.NormDecay;
import dev.normlab.lip.spectral.ClippedOperator;
import dev.normlab.lip.spectral.ClippingHook;
import dev.normlab.lip.spectral.SvdMethod;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.model.Head;
import dev.normlab.nn.model.ModelSpec;
import dev.normlab.nn.train.TrainingHook;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// A named bundle of training settings, as the paper compares them; single options override it.
///
/// @param weightDecay of the optimiser
/// @param normDecay   which norm is decayed how strongly, and in which kinds of layers
/// @param projectBn   the largest norm of batch norm layers
/// @param svc         how singular values of convolutions and linear layers are clipped
/// @param adversarial how adversarial images are made and trained on; empty for plain cross entropy
public record Method(String name, double weightDecay, Optional<NormDecaySpec> normDecay, Optional<Double> projectBn, Optional<Clipping> svc,
        Optional<AdversarialSettings> adversarial) {

    private static final double WEIGHT_DECAY = 5e-4;
    private static final double BETA = 1e-3;
    private static final double BN_RADIUS = 5;

    private static final double SVC_LIMIT = 1;

    private static final List<Method> ALL = List.of(with("plain", 0, Optional.empty(), Optional.empty()),
            with("wd", WEIGHT_DECAY, Optional.empty(), Optional.empty()),
            with("nd-l1", 0, Optional.of(new NormDecaySpec(Norm.L1, BETA)), Optional.empty()),
            with("nd-linf", 0, Optional.of(new NormDecaySpec(Norm.LINF, BETA)), Optional.empty()),
            with("nd-l1-bn", 0, Optional.of(new NormDecaySpec(Norm.L1, BETA)), Optional.of(BN_RADIUS)),
            with("nd-linf-bn", 0, Optional.of(new NormDecaySpec(Norm.LINF, BETA)), Optional.of(BN_RADIUS)),
            new Method("svc", 0, Optional.empty(), Optional.empty(), Optional.of(Clipping.at(SVC_LIMIT)), Optional.empty()),
            adversarial("pgd-at", RobustLoss.Kind.PGD_AT, false), adversarial("trades", RobustLoss.Kind.TRADES, false),
            adversarial("alp", RobustLoss.Kind.ALP, false), adversarial("pgd-he", RobustLoss.Kind.PGD_AT, true),
            adversarial("trades-he", RobustLoss.Kind.TRADES, true), adversarial("alp-he", RobustLoss.Kind.ALP, true));

    private static Method with(String name, double weightDecay, Optional<NormDecaySpec> normDecay, Optional<Double> projectBn) {
        return new Method(name, weightDecay, normDecay, projectBn, Optional.empty(), Optional.empty());
    }

    private static Method adversarial(String name, RobustLoss.Kind loss, boolean hypersphere) {
        return new Method(name, 0, Optional.empty(), Optional.empty(), Optional.empty(),
                Optional.of(AdversarialSettings.reference(loss, hypersphere)));
    }

    /// Which norm is decayed how strongly in which kinds of layers, written `l1:1e-3`, `l1:1e-3:conv+linear` or `none`.
    ///
    /// @param kinds all of them where the text names none
    public record NormDecaySpec(Norm norm, double beta, Set<LayerKind> kinds) {

        /// Copies the set.
        public NormDecaySpec {
            kinds = Collections.unmodifiableSet(EnumSet.copyOf(kinds));
        }

        /// Decay of every kind of layer.
        public NormDecaySpec(Norm norm, double beta) {
            this(norm, beta, EnumSet.allOf(LayerKind.class));
        }

        /// The specification of a text; `none` gives nothing.
        ///
        /// @throws UserError if it is neither
        public static Optional<NormDecaySpec> parse(String text) {
            if (text.equals("none")) {
                return Optional.empty();
            }
            String[] parts = text.split(":", -1);
            try {
                Norm norm = Norm.parse(parts[0]);
                double beta = parts.length < 2 ? BETA : Double.parseDouble(parts[1]);
                if (!(beta >= 0 && beta < 1e6)) {
                    throw UserError.usage("--norm-decay: beta is a number from 0 to 1e6, but got " + beta);
                }
                if (parts.length > 3) {
                    throw new IllegalArgumentException("too many parts");
                }
                return Optional.of(parts.length < 3 ? new NormDecaySpec(norm, beta) : new NormDecaySpec(norm, beta, kinds(parts[2])));
            } catch (IllegalArgumentException e) {
                throw UserError.usage("--norm-decay: expected l1:BETA, linf:BETA or none, for example l1:1e-3, perhaps with the kinds of "
                        + "layers, for example l1:1e-3:conv+linear (known kinds: conv, linear, bn), but got '" + text + "'");
            }
        }

        private static Set<LayerKind> kinds(String text) {
            return Arrays.stream(text.split("\\+", -1)).map(LayerKind::parse).collect(Collectors.toSet());
        }

        /// The options of the hook.
        NormDecay.Options options() {
            NormDecay.Options usual = NormDecay.Options.of(norm, (float) beta);
            return new NormDecay.Options(norm, usual.beta(), usual.momentum(), kinds);
        }

        @Override
        public String toString() {
            String text = norm.label() + ":" + beta;
            return kinds.size() == LayerKind.values().length
                    ? text
                    : text + ":" + kinds.stream().map(LayerKind::label).collect(Collectors.joining("+"));
        }
    }

    /// Singular value clipping.
    ///
    /// @param limit    the largest singular value
    /// @param svd      how singular values are found
    /// @param operator which linear map of a convolution the clipping at the end of an epoch limits
    /// @param clipFreq the batches of an epoch between two single passes; every epoch ends with a clipping of its own
    public record Clipping(double limit, SvdMethod svd, ClippedOperator operator, int clipFreq) {

        /// Checks the values.
        ///
        /// @throws UserError if a number is out of range
        public Clipping {
            if (!(limit >= 1e-30 && limit <= 1e12)) {
                throw UserError.usage("--svc: expected a number above 0 and at most 1e12, but got " + limit);
            }
            if (!svd.clips()) {
                throw UserError.usage("--svd: " + svd.label() + " finds singular values only, and clipping needs their vectors; choose "
                        + Arrays.stream(SvdMethod.values()).filter(SvdMethod::clips).map(SvdMethod::label)
                                .collect(Collectors.joining(", ")));
            }
            if (clipFreq < 1) {
                throw UserError.usage("--clip-freq: expected a number of steps of at least 1, but got " + clipFreq);
            }
        }

        /// By Gram matrices, as circular convolutions, every 100 batches, as in the paper.
        public static Clipping at(double limit) {
            return new Clipping(limit, SvdMethod.GRAM, ClippedOperator.CIRCULAR, ClippingHook.CLIP_FREQUENCY);
        }
    }

    /// The hooks of this method on a model.
    ///
    /// @param stepsOfAnEpoch the number of batches of an epoch
    public List<TrainingHook> hooks(Layer model, int stepsOfAnEpoch) {
        return hooks(model, normDecay, projectBn, svc, stepsOfAnEpoch);
    }

    /// The hooks that decay, clip and project.
    ///
    /// @param stepsOfAnEpoch the number of batches of an epoch
    public static List<TrainingHook> hooks(Layer model, Optional<NormDecaySpec> normDecay, Optional<Double> projectBn,
            Optional<Clipping> svc,
            int stepsOfAnEpoch) {
        List<TrainingHook> hooks = new ArrayList<>();
        normDecay.ifPresent(decay -> hooks.add(new NormDecay(model, decay.options())));
        svc.ifPresent(clipping -> hooks.addAll(ClippingHook.both(model, clipping.limit(), clipping.svd(), clipping.operator(),
                clipping.clipFreq(), stepsOfAnEpoch)));
        projectBn.ifPresent(radius -> hooks.add(new BatchNormProjection(model, radius.floatValue())));
        return hooks;
    }

    /// What a step of this method minimises.
    ///
    /// @param seed of the noise with which adversarial images begin
    public Objective objective(long seed) {
        return adversarial.map(settings -> settings.objective(seed)).orElseGet(Objective::crossEntropy);
    }

    /// The specification of a model for this method: hypersphere embedding needs the head `cosine`, which is added where the text names no
    /// head.
    public String modelFor(String model) {
        boolean cosine = adversarial.flatMap(AdversarialSettings::embedding).isPresent();
        return !cosine || model.contains("head=") ? model : model + (model.contains(":") ? "," : ":") + "head=" + Head.COSINE.label();
    }

    /// Fails if a model's outputs are not what is trained.
    ///
    /// @param adversarial settings of the training; empty for plain cross entropy
    /// @throws UserError if cosines shall be trained as logits, or logits as cosines
    static void requireHead(ModelSpec spec, Optional<AdversarialSettings> adversarial) {
        boolean cosine = adversarial.flatMap(AdversarialSettings::embedding).isPresent();
        if (cosine && spec.head() != Head.COSINE) {
            throw UserError.usage("--model: hypersphere embedding trains cosines, but the model has head=" + spec.head().label()
                    + "; leave head= out, or choose a method without -he");
        }
        if (!cosine && spec.head() == Head.COSINE) {
            throw UserError.usage("--model: a model with head=cosine gives cosines, which the methods pgd-he, trades-he and alp-he train; "
                    + "choose one of them, or leave head= out");
        }
    }

    /// The names of the methods that train on adversarial images.
    public static List<String> adversarialNames() {
        return ALL.stream().filter(method -> method.adversarial.isPresent()).map(Method::name).toList();
    }

    /// The names of all methods.
    public static List<String> names() {
        return ALL.stream().map(Method::name).toList();
    }

    /// The method of a name.
    ///
    /// @throws UserError if there is none
    public static Method parse(String name) {
        return ALL.stream().filter(method -> method.name.equals(name)).findFirst()
                .orElseThrow(() -> UserError.usage("--method: there is no method '" + name + "'" + Nearest.hint(name, names())
                        + "; known methods: " + String.join(", ", names())));
    }
}
