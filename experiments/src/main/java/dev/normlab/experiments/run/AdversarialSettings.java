package dev.normlab.experiments.run;

import dev.normlab.attacks.AdversarialObjective;
import dev.normlab.attacks.HypersphereEmbedding;
import dev.normlab.attacks.RobustLoss;
import dev.normlab.attacks.ThreatModel;
import dev.normlab.nn.loss.Objective;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// How a run trains on adversarial images, as on the command line.
///
/// @param loss      which loss
/// @param norm      of the perturbation: linf or l2
/// @param eps       its largest size, in [0, 1] pixel units; for l2 the length of the whole perturbation
/// @param step      the length of a step
/// @param steps     gradient steps of every batch
/// @param beta      the weight of the term that ties the outputs for clean and adversarial images together; without effect on PGD-AT
/// @param embedding scale and margin of hypersphere embedding; empty for models that give logits
public record AdversarialSettings(RobustLoss.Kind loss, ThreatModel.Ball norm, float eps, float step, int steps, float beta,
        Optional<HypersphereEmbedding> embedding) {

    private static final float LINF_EPS = 0.031f;
    private static final float LINF_STEP = 0.007f;
    private static final float L2_EPS = 0.5f;
    private static final float L2_STEP = 0.1f;
    private static final int STEPS = 10;
    private static final float BETA = 1;
    private static final HypersphereEmbedding EMBEDDING = new HypersphereEmbedding(15, 0.2f);

    /// Sizes of training and attack that differ by less than this share are taken for one size written in two ways.
    private static final double CLOSE = 0.05;
    private static final float MOST_L2 = 1e6f;
    private static final int MOST_STEPS = 10_000;

    /// Checks the values.
    ///
    /// @throws UserError if a number is out of range
    public AdversarialSettings {
        if (norm == ThreatModel.Ball.L1) {
            throw UserError.usage("--adv-norm: expected linf or l2, but got l1");
        }
        boolean linf = norm == ThreatModel.Ball.LINF;
        float most = linf ? 1 : MOST_L2;
        require(eps > 0 && eps <= most, "--adv-eps", "a size above 0 and at most " + (linf ? "1, such as 8/255" : "1e6"),
                eps + ofPixels(linf, eps));
        require(step > 0 && step <= most, "--adv-step", "a length above 0 and at most " + (linf ? "1" : "1e6"),
                step + ofPixels(linf, step));
        require(steps >= 1 && steps <= MOST_STEPS, "--adv-steps", "a number from 1 to " + MOST_STEPS, steps);
        require(beta >= 0 && beta <= 1e6f, "--adv-beta", "a number from 0 to 1e6", beta);
    }

    private static void require(boolean holds, String option, String expected, Object got) {
        if (!holds) {
            throw UserError.usage(option + ": expected " + expected + ", but got " + got);
        }
    }

    // What somebody means who counts in 256 levels.
    private static String ofPixels(boolean linf, float size) {
        return linf && size > 1 && size <= 255 && size == Math.rint(size) ? "; did you mean " + size + "/255?" : "";
    }

    /// The constants of the reference: linf, ten steps of 0.007 within 0.031, beta 1, and with hypersphere embedding scale 15 and margin
    /// 0.2.
    public static AdversarialSettings reference(RobustLoss.Kind loss, boolean hypersphere) {
        return new AdversarialSettings(loss, ThreatModel.Ball.LINF, LINF_EPS, LINF_STEP, STEPS, BETA,
                hypersphere ? Optional.of(EMBEDDING) : Optional.empty());
    }

    /// These settings in another norm with its usual size and step: for l2, which the reference does not know, steps of 0.1 within 0.5.
    ///
    /// @throws UserError if it is l1
    public AdversarialSettings in(ThreatModel.Ball ball) {
        boolean linf = ball == ThreatModel.Ball.LINF;
        return new AdversarialSettings(loss, ball, linf ? LINF_EPS : L2_EPS, linf ? LINF_STEP : L2_STEP, steps, beta, embedding);
    }

    /// What to tell the user about settings that are hardly meant; empty if nothing.
    public Optional<String> warning() {
        return step * steps >= eps
                ? Optional.empty()
                : Optional.of(String.format(Locale.ROOT,
                        "%d steps of %s reach %s only, while --adv-eps is %s; --adv-step %s would cross the ball and back", steps,
                        digits(step), digits(step * steps), digits(eps), digits(2.5f * eps / steps)));
    }

    /// What to say where a network is attacked with almost the size on which it was trained, but not quite: the reference trains with 0.031
    /// and evaluates at 8/255, and such figures are easily taken for those of the size of training. Empty in other norms, where the sizes
    /// are equal, and where they lie 5% and more apart.
    public Optional<String> almost(ThreatModel attacked) {
        double apart = Math.abs((double) attacked.eps() - eps) / eps;
        if (attacked.ball() != norm || apart == 0 || apart >= CLOSE) {
            return Optional.empty();
        }
        return Optional.of(String.format(Locale.ROOT,
                "trained on %s perturbations of up to %s but attacked with %s: almost the same size, and yet another one (the reference "
                        + "trains with 0.031 and evaluates at 8/255); --adv-eps or --eps makes them equal",
                norm.label(), digits(eps), digits(attacked.eps())));
    }

    // Four digits, without the zeros behind them and without the noise of single precision.
    private static String digits(float value) {
        return new BigDecimal(value).round(new MathContext(4)).stripTrailingZeros().toPlainString();
    }

    /// What a step minimises.
    ///
    /// @param seed of the noise with which adversarial images begin
    public Objective objective(long seed) {
        return new AdversarialObjective(new RobustLoss(loss, beta, embedding), new ThreatModel(norm, eps), step, steps, seed);
    }

    /// All settings by the names of their options; [#parse] reads them back.
    public Map<String, String> toMap() {
        Map<String, String> map = new LinkedHashMap<>();
        map.put("adv_loss", loss.label());
        map.put("adv_norm", norm.label());
        map.put("adv_eps", Float.toString(eps));
        map.put("adv_step", Float.toString(step));
        map.put("adv_steps", Integer.toString(steps));
        if (loss.pairs()) {
            map.put("adv_beta", Float.toString(beta));
        }
        embedding.ifPresent(he -> {
            map.put("he_scale", Float.toString(he.scale()));
            map.put("he_margin", Float.toString(he.margin()));
        });
        return map;
    }

    /// The settings of a map; empty if the run does not train on adversarial images.
    ///
    /// @throws UserError if one is missing or unknown
    /// @throws NumberFormatException if one is no number
    public static Optional<AdversarialSettings> parse(Map<String, String> map) {
        if (!map.containsKey("adv_loss")) {
            return Optional.empty();
        }
        try {
            RobustLoss.Kind loss = RobustLoss.Kind.parse(text(map, "adv_loss"));
            Optional<HypersphereEmbedding> embedding = map.containsKey("he_scale")
                    ? Optional.of(new HypersphereEmbedding(real(map, "he_scale"), real(map, "he_margin")))
                    : Optional.empty();
            return Optional.of(new AdversarialSettings(loss, ThreatModel.Ball.parse(text(map, "adv_norm")),
                    real(map, "adv_eps"), real(map, "adv_step"), Integer.parseInt(text(map, "adv_steps")),
                    loss.pairs() ? real(map, "adv_beta") : BETA, embedding));
        } catch (NumberFormatException e) {
            throw e;
        } catch (IllegalArgumentException e) {
            throw UserError.failure("the settings of the run folder: " + e.getMessage());
        }
    }

    private static float real(Map<String, String> map, String key) {
        return Float.parseFloat(text(map, key));
    }

    private static String text(Map<String, String> map, String key) {
        String value = map.get(key);
        if (value == null) {
            throw UserError.failure("the settings of the run folder lack '" + key + "'; was it written by another version?");
        }
        return value;
    }
}
