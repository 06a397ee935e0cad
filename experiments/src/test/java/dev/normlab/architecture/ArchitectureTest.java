package dev.normlab.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noFields;
import static com.tngtech.archunit.library.GeneralCodingRules.ACCESS_STANDARD_STREAMS;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import dev.normlab.engine.tensor.RandomStream;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The dependency rule of `docs/adr/0001-modules-and-dependency-rule.md`, on the compiled classes of every module.
///
///     engine <- nn <- { lip, attacks } <- experiments
class ArchitectureTest {

    private static final String ENGINE = "dev.normlab.engine..";
    private static final String NN = "dev.normlab.nn..";
    private static final String LIP = "dev.normlab.lip..";
    private static final String ATTACKS = "dev.normlab.attacks..";
    private static final String EXPERIMENTS = "dev.normlab.experiments..";
    private static final String TESTKIT = "dev.normlab.testkit..";

    private static final JavaClasses CLASSES = new ClassFileImporter().withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.normlab");

    @ParameterizedTest
    @ValueSource(strings = {"dev.normlab.engine.tensor", "dev.normlab.engine.kernel", "dev.normlab.engine.kernel.scalar",
        "dev.normlab.engine.kernel.vector", "dev.normlab.engine.autograd", "dev.normlab.engine.program", "dev.normlab.engine.io",
        "dev.normlab.nn", "dev.normlab.lip", "dev.normlab.attacks", "dev.normlab.experiments", "dev.normlab.testkit"})
    void classesOfEveryModuleWereSeen(String name) {
        boolean seen = CLASSES.stream().map(JavaClass::getPackageName).anyMatch(p -> p.equals(name) || p.startsWith(name + "."));
        assertTrue(seen, "no class of " + name + " was seen");
    }

    @Test
    void theEngineKnowsNoLayer() {
        check(noClasses().that().resideInAPackage(ENGINE).should().dependOnClassesThat()
                .resideInAnyPackage(NN, LIP, ATTACKS, EXPERIMENTS, TESTKIT));
    }

    @Test
    void networksKnowNeitherNormsNorAttacks() {
        check(noClasses().that().resideInAPackage(NN).should().dependOnClassesThat().resideInAnyPackage(LIP, ATTACKS, EXPERIMENTS,
                TESTKIT));
    }

    @Test
    void normsAndAttacksNeverSeeEachOther() {
        check(noClasses().that().resideInAPackage(LIP).should().dependOnClassesThat().resideInAnyPackage(ATTACKS, EXPERIMENTS, TESTKIT));
        check(noClasses().that().resideInAPackage(ATTACKS).should().dependOnClassesThat().resideInAnyPackage(LIP, EXPERIMENTS, TESTKIT));
    }

    @Test
    void theTestkitKnowsTheEngineOnly() {
        check(noClasses().that().resideInAPackage(TESTKIT).should().dependOnClassesThat().resideInAnyPackage(NN, LIP, ATTACKS,
                EXPERIMENTS));
        check(noClasses().that().resideInAPackage(EXPERIMENTS).should().dependOnClassesThat().resideInAPackage(TESTKIT));
    }

    @Test
    void insideTheEngineTensorsAreBelowKernelsAndKernelsBelowPrograms() {
        String tensor = "dev.normlab.engine.tensor..";
        String kernel = "dev.normlab.engine.kernel..";
        String program = "dev.normlab.engine.program..";
        String autograd = "dev.normlab.engine.autograd..";
        String io = "dev.normlab.engine.io..";
        check(noClasses().that().resideInAPackage(tensor).should().dependOnClassesThat().resideInAnyPackage(kernel, program, autograd, io));
        check(noClasses().that().resideInAPackage(kernel).should().dependOnClassesThat().resideInAnyPackage(program, autograd, io));
        check(noClasses().that().resideInAPackage(program).should().dependOnClassesThat().resideInAnyPackage(autograd, io));
        check(noClasses().that().resideInAPackage(io).should().dependOnClassesThat().resideInAnyPackage(kernel, program, autograd));
    }

    @Test
    void nobodyNamesABackendButTheBackendItself() {
        String scalar = "dev.normlab.engine.kernel.scalar..";
        String vector = "dev.normlab.engine.kernel.vector..";
        check(noClasses().that().resideOutsideOfPackages(vector, TESTKIT).should().dependOnClassesThat().resideInAPackage(vector));
        // The vector backend takes the reference loops where speed does not matter.
        check(noClasses().that().resideOutsideOfPackages(scalar, vector, TESTKIT).should().dependOnClassesThat().resideInAPackage(scalar));
    }

    @Test
    void onlyTheVectorKernelsUseTheVectorApi() {
        check(noClasses().that().resideOutsideOfPackage("dev.normlab.engine.kernel.vector..").should().dependOnClassesThat()
                .resideInAPackage("jdk.incubator.."));
    }

    @Test
    void onlyTheSpectralPackageUsesEjml() {
        check(noClasses().that().resideOutsideOfPackage("dev.normlab.lip.spectral..").should().dependOnClassesThat()
                .resideInAPackage("org.ejml.."));
    }

    @Test
    void onlyExperimentsHaveACommandLineAndJsonDocuments() {
        check(noClasses().that().resideOutsideOfPackage(EXPERIMENTS).should().dependOnClassesThat()
                .resideInAnyPackage("picocli..", "tools.jackson..", "com.fasterxml.jackson.."));
    }

    @Test
    void onlyExperimentsPrint() {
        check(noClasses().that().resideOutsideOfPackage(EXPERIMENTS).should(ACCESS_STANDARD_STREAMS));
        check(noClasses().that().resideOutsideOfPackage(EXPERIMENTS).should().dependOnClassesThat()
                .haveFullyQualifiedName("java.io.Console"));
        check(noClasses().should().callMethod(Throwable.class, "printStackTrace"));
    }

    @Test
    void randomGeneratorsAreParametersAndNeverStatic() {
        check(noFields().that().areStatic().should().haveRawType(RandomStream.class));
        check(noFields().that().areStatic().should().haveRawType(RandomGenerator.class));
        check(noClasses().should().callMethod(Math.class, "random"));
        check(noClasses().should().dependOnClassesThat().haveFullyQualifiedName("java.util.concurrent.ThreadLocalRandom"));
    }

    @Test
    void namesSayWhatAClassIs() {
        check(noClasses().should().haveNameMatching(".*\\.(Abstract[A-Z]\\w*|\\w*(Manager|Helper|Helpers|Util|Utils|Impl))"));
    }

    @Test
    void packagesHaveNoCycles() {
        check(slices().matching("dev.normlab.(**)").should().beFreeOfCycles());
    }

    private static void check(ArchRule rule) {
        rule.check(CLASSES);
    }
}
