package dev.normlab.experiments.study;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.experiments.run.UserError;
import dev.normlab.lip.spectral.ClippedOperator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class StudyConfigTest {

    /// A study with everything in it, small.
    static final String SMALL = """
            name: small
            title: A small study
            data: synthetic:train=40,test=20
            limit: 0
            models: ["vgg11:width=0.0625"]
            seeds: 2
            seed: 7
            conv: exact
            training: {epochs: 2, batch_size: 10, lr: 0.05, momentum: 0.9, schedule: cosine, augment: true}
            methods:
              - {name: plain, base: plain}
              - {name: nd-l1, base: nd-l1, options: {norm_decay: "l1:{}:conv+linear"}, strengths: [1e-3, 1e-2]}
            attack: {attacks: [apgd-ce, apgd-t], norm: linf, eps: 1/255, steps: 3, restarts: 1, targets: 2, images: 10}
            """;

    private static StudyConfig parse(String yaml) {
        return StudyConfig.of(ConfigTree.parse(yaml, "study.yaml"));
    }

    private static String refusal(String yaml) {
        UserError error = assertThrows(UserError.class, () -> StudyPlan.of(parse(yaml)));
        assertTrue(error.isUsage());
        return String.valueOf(error.getMessage());
    }

    @Test
    void aStudyIsRead() {
        StudyConfig config = parse(SMALL);
        assertEquals(2, config.seeds());
        assertEquals(7, config.seed());
        assertEquals(List.of("plain", "nd-l1"), config.methods().stream().map(StudyMethod::name).toList());
        assertEquals(List.of("0.001", "0.01"), config.methods().getLast().strengths().stream().map(Strength::toString).toList());
        assertEquals(1 / 255f, config.attack().threat().eps());
        assertEquals("apgd-ce + apgd-t, 3 steps, 2 targets", config.attack().label());
    }

    /// What is written can be read again and is the same study.
    @ParameterizedTest
    @ValueSource(strings = {"norm-regularization", "norm-regularization-smoke", "adversarial-training", "adversarial-training-smoke"})
    void aBuiltInStudySurvivesBeingWritten(String name) {
        StudyConfig config = StudyConfig.of(ConfigTree.builtIn(name));
        assertEquals(name, config.name());
        StudyConfig again = parse(config.tree().toYaml());
        assertEquals(List.of(), again.differences(config, "here", "there"));
        assertEquals(config.tree().toYaml(), again.tree().toYaml());
        assertEquals(StudyPlan.of(config).runs().stream().map(PlannedRun::settings).toList(),
                StudyPlan.of(again).runs().stream().map(PlannedRun::settings).toList());
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {
        "seeds: 2;sedes: 2;study.yaml: there is no key 'sedes' at the top (did you mean 'seeds'?); known keys: name,",
        "epochs: 2;epohcs: 2;study.yaml: there is no key 'epohcs' in training (did you mean 'epochs'?); known keys: epochs, batch_size",
        "batch_size: 10,;'';study.yaml: the key 'batch_size' is missing in training; needed are epochs, batch_size",
        "base: nd-l1;bsae: nd-l1;there is no key 'bsae' in methods[nd-l1] (did you mean 'base'?)",
        "base: nd-l1;base: nd-l2;methods[nd-l1].base: there is no method 'nd-l2' (did you mean 'nd-l1'?); known methods: plain",
        "norm_decay:;norm_decya:;methods[nd-l1].options: 'norm_decya' is no option of the method nd-l1 (did you mean 'norm_decay'?)",
        "seeds: 2;seeds: two;seeds: expected a whole number of at least 1, but got \"two\"",
        "seeds: 2;seeds: 0;seeds: expected a whole number of at least 1, but got 0",
        "seeds: 2;seeds: [1];seeds: expected a whole number of at least 1, but got a list",
        "augment: true;augment: 1;training.augment: expected true or false, but got 1",
        "lr: 0.05;lr: -1;training: lr: expected a number above 0",
        "lr: 0.05;lr: fast;training.lr: expected a number, but got \"fast\"",
        "schedule: cosine;schedule: cosin;training: schedule: there is no schedule 'cosin'",
        "vgg11:width;vgg111:width;models: --model: there is no model 'vgg111'",
        "eps: 1/255;eps: 1/0;attack.eps: eps: expected a number above 0",
        "apgd-ce,;apgd-cc,;attack.attacks: there is no attack 'apgd-cc'",
        "norm: linf;norm: l7;attack.norm:",
        "'strengths: [1e-3, 1e-2]';strengths: [];methods[nd-l1].strengths: expected a list of at least one",
        "', strengths: [1e-3, 1e-2]';'';the place {} waits for a strength, but the method has no key 'strengths'",
        "l1:{};l1:1e-3;the method has strengths, but no option with {} in their place",
        "'[1e-3, 1e-2]';'[1e-3, -1]';methods[nd-l1].options: --norm-decay: beta is a number from 0 to 1e6",
        "'[1e-3, 1e-2]';'[1e-3, 0.001]';two runs would have the same folder vgg11-width-0.0625_nd-l1_0.001_1",
        "'options: {';'options: {augment: yes, ';methods[nd-l1].options: augment: expected true or false, but got",
        "'options: {';'options: {shuffle: \"on\", ';methods[nd-l1].options: shuffle: expected true or false, but got",
        "'options: {';'options: {augment: \"TRUE\", ';methods[nd-l1].options: augment: expected true or false, but got",
        "conv: exact;conv: quick;conv:", "title: A;title: {a: b} #;title: expected a text, but got a section with keys",
        "name: small;name: a b;name: expected a word", "name: small;paper: none;there is no key",
        "training: {;training: 5 # {;training: expected a section"})
    void whatIsWrongIsSaidWithItsPlaceAndWhatIsValid(String part, String instead, String message) {
        assertTrue(SMALL.contains(part), part);
        String said = refusal(SMALL.replaceFirst(Pattern.quote(part), Matcher.quoteReplacement(instead)));
        if (!message.equals("there is no key") || !said.contains("is missing")) {
            assertTrue(said.contains(message), said);
        }
        assertTrue(said.startsWith("study.yaml"), said);
    }

    @Test
    void twoOfANameAreRefused() {
        assertTrue(refusal(SMALL.replace("name: nd-l1,", "name: plain,")).contains("methods: 'plain' is there twice"));
        assertTrue(refusal(SMALL + "seed: 8\n").contains("study.yaml, line"), refusal(SMALL + "seed: 8\n"));
    }

    @Test
    void whatIsNoYamlIsRefusedWithItsLine() {
        String said = refusal("name: small\ntitle: [a\ndata: b\n");
        assertTrue(said.startsWith("study.yaml, line 3: this is no YAML:"), said);
        assertTrue(refusal("").contains("expected keys with values, such as 'name: my-study', but got nothing"));
        assertTrue(refusal("- a").contains("but got a list"));
    }

    @Test
    void anOptionOfAnotherMethodIsRefused() {
        String said = refusal(SMALL.replace("base: plain}", "base: plain, options: {adv_steps: 3}}"));
        assertTrue(said.contains("methods[plain].options: 'adv_steps' is no option of the method plain"), said);
        said = refusal(SMALL.replace("base: plain}", "base: pgd-at, options: {adv_beta: 3}}"));
        assertTrue(said.contains("'adv_beta' is no option of the method pgd-at"), said);
        said = refusal(SMALL.replace("base: plain}", "base: plain, options: {seed: 3}}"));
        assertTrue(said.contains("'seed' is no option"), said);
    }

    @Test
    void optionsReachTheSettings() {
        StudyPlan plan = StudyPlan.of(parse(SMALL.replace("base: plain}",
                "base: alp, options: {adv_steps: 3, adv_eps: 4/255, svc: 0.5, svc_as: layer, clip_freq: 7, weight_decay: 1e-4, "
                        + "epochs: 1, lr: 0.2}}")));
        var settings = plan.runs().getFirst().settings();
        assertEquals(3, settings.adversarial().orElseThrow().steps());
        assertEquals(4 / 255f, settings.adversarial().orElseThrow().eps());
        assertEquals(0.5, settings.svc().orElseThrow().limit());
        assertEquals(ClippedOperator.LAYER, settings.svc().orElseThrow().operator());
        assertEquals(7, settings.svc().orElseThrow().clipFreq());
        assertEquals(1e-4, settings.weightDecay());
        assertEquals(1, settings.epochs());
        assertEquals(0.2, settings.lr());
        assertEquals(2, plan.runs().getLast().settings().epochs());
    }

    @Test
    void aFileExtendsABuiltInStudyKeyByKey() {
        StudyConfig base = StudyConfig.of(ConfigTree.builtIn("norm-regularization"));
        StudyConfig config = parse("extends: norm-regularization\nname: mine\ntraining: {epochs: 15}\nmodels: [vgg11]\n");
        assertEquals(
                List.of("name is norm-regularization there, but mine here", "models is vgg11, resnet18, senet18, regnetx200mf there, but "
                        + "vgg11 here", "training.epochs is 120 there, but 15 here"),
                base.differences(config, "here", "there"));
        assertTrue(refusal("extends: norm-regularisation\nname: x\n").contains("there is no study 'norm-regularisation' (did you mean "
                + "'norm-regularization'?)"));
    }

    @Test
    void singleValuesAreReplaced() {
        ConfigTree tree = ConfigTree.parse(SMALL, "study.yaml").with("training.epochs", "9").with("models", "[lenet]").withText("data",
                "1e3");
        assertEquals("9", tree.root().get("training").get("epochs").toString());
        assertEquals("[\"lenet\"]", tree.root().get("models").toString());
        assertEquals("1e3", ConfigTree.parse(tree.toYaml(), "again").root().get("data").stringValue(), "a text stays a text");
        UserError error = assertThrows(UserError.class, () -> tree.with("training.epoch", "9"));
        assertTrue(String.valueOf(error.getMessage()).contains("no key 'training.epoch' (did you mean 'training.epochs'?)"),
                error.getMessage());
        assertThrows(UserError.class, () -> tree.with("training", "{").toYaml());
    }

    @Test
    void someModelsAndMethodsAreAStudyOfTheirOwn() {
        StudyConfig some = StudyConfig.of(ConfigTree.builtIn("norm-regularization-smoke")).only(List.of("senet18", "vgg11:width=0.125"),
                List.of("wd", "plain"));
        assertEquals(List.of("vgg11:width=0.125", "senet18:width=0.125"), some.models());
        assertEquals(List.of(), parse(some.tree().toYaml()).differences(some, "here", "there"));
        UserError error = assertThrows(UserError.class, () -> some.only(List.of(), List.of("nd-l1")));
        assertTrue(String.valueOf(error.getMessage()).contains("--methods: the study has no method 'nd-l1'"), error.getMessage());
        assertThrows(UserError.class, () -> some.only(List.of("resnet18"), List.of()));
    }

    /// The settings of the paper's scripts.
    @Test
    void thePapersSettingsAreTheDefault() {
        StudyConfig norms = StudyConfig.of(ConfigTree.builtIn("norm-regularization"));
        assertEquals(List.of("vgg11", "resnet18", "senet18", "regnetx200mf"), norms.models());
        assertEquals(new StudyConfig.Training(120, 128, 0.01, 0.9, "reference", true), norms.training());
        assertEquals(1024, norms.attack().images());
        assertEquals("1/255", norms.attack().eps());
        assertEquals(4 * (1 + 6 * 5), StudyPlan.of(norms).runs().size());
        assertEquals(List.of("1e-5", "1e-4", "0.001", "0.01", "0.1"),
                norms.methods().get(1).strengths().stream().map(Strength::toString).toList());
        assertEquals(List.of("2", "1.5", "1", "0.5", "0.1"), norms.methods().get(3).strengths().stream().map(Strength::toString).toList());
        var decayed = StudyPlan.of(norms).runs().stream().filter(run -> run.setting().equals("nd-linf-bn 1e-4")).findFirst().orElseThrow();
        assertEquals("linf:1.0E-4:conv+linear", decayed.settings().normDecay().orElseThrow().toString());
        assertEquals(5, decayed.settings().projectBn().orElseThrow());
        StudyConfig adversarial = StudyConfig.of(ConfigTree.builtIn("adversarial-training"));
        assertEquals(0.1, adversarial.training().lr());
        assertEquals("8/255", adversarial.attack().eps());
        assertEquals(List.of("plain", "alp", "trades", "pgd-at", "alp-nd-l1", "alp-wd"),
                adversarial.methods().stream().map(StudyMethod::name).toList());
    }
}
