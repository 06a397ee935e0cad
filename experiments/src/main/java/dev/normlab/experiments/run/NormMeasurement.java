package dev.normlab.experiments.run;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.lip.bound.SpectralBound;
import dev.normlab.lip.norm.BatchNormStatistics;
import dev.normlab.lip.norm.LayerKind;
import dev.normlab.lip.norm.Norm;
import dev.normlab.lip.norm.NormedLayer;
import dev.normlab.lip.spectral.CircularConvolution;
import dev.normlab.lip.spectral.ConvolutionSpectrum;
import dev.normlab.lip.spectral.LargestSingularValue;
import dev.normlab.lip.spectral.SvdMethod;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// Norms, bounds and spectra of all layers of a model.
///
/// @param layers in module order
public record NormMeasurement(List<Measured> layers) {

    /// Copies the list.
    public NormMeasurement {
        layers = List.copyOf(layers);
    }

    /// What was measured of a layer.
    ///
    /// @param values    NaN where a weight is not finite or the layer has no such quantity
    /// @param converged whether Lanczos reached the accuracy that was asked for; empty where l2 was not estimated
    /// @param remark    what is unusual about the weights or the estimate; empty if nothing is
    /// @param spectrum  of the circular convolution, if it was asked for
    public record Measured(String name, LayerKind kind, Map<Quantity, Double> values, Optional<Boolean> converged,
            Optional<String> remark, Optional<Spectrum> spectrum) {

        /// One quantity; NaN if it was not measured.
        public double of(Quantity quantity) {
            return values.getOrDefault(quantity, Double.NaN);
        }
    }

    /// All singular values, largest first, and how they were found.
    public record Spectrum(double[] values, SvdMethod method) {

        /// A value, or that it is below what the method can see.
        public String show(double value) {
            return value < method.noise() * values[0]
                    ? String.format(Locale.ROOT, "below %.0e of the largest", method.noise())
                    : String.format(Locale.ROOT, "%.6g", value);
        }
    }

    /// What is measured.
    ///
    /// @param spectra the names of layers whose spectrum is computed; `all` for all
    /// @param lanczos when estimates of the l2 norm stop
    /// @param seed    of the random start of estimates
    public record Request(Set<Quantity> quantities, List<String> spectra, SvdMethod svd, LargestSingularValue.Options lanczos, long seed) {}

    /// Measures a model whose layers know their input size.
    ///
    /// @throws UserError if a spectrum was asked for of a layer that has none
    public static NormMeasurement of(Layer model, Request request, Device device) {
        List<NormedLayer> normed = NormedLayer.of(model);
        for (String name : request.spectra()) {
            boolean known = normed.stream().anyMatch(layer -> layer.name().equals(name) && layer.kind() != LayerKind.BN);
            if (!known && !name.equals("all")) {
                throw UserError.usage(
                        "--spectrum: the model has no convolution or linear layer '" + name + "'; see its layers with: normlab norms");
            }
        }
        List<Measured> layers = new ArrayList<>();
        for (NormedLayer layer : normed) {
            layers.add(new LayerMeasurement(layer, request, device).run());
        }
        return new NormMeasurement(layers);
    }

    /// The sum of a quantity over the layers of some kinds; NaN if one of them is.
    public double sum(Quantity quantity, Collection<LayerKind> kinds) {
        return layers.stream().filter(layer -> kinds.contains(layer.kind())).mapToDouble(layer -> layer.of(quantity)).sum();
    }

    /// The measurement of one layer.
    private static final class LayerMeasurement {

        private final NormedLayer layer;
        private final Request request;
        private final Device device;
        private Optional<Boolean> converged = Optional.empty();

        LayerMeasurement(NormedLayer layer, Request request, Device device) {
            this.layer = layer;
            this.request = request;
            this.device = device;
        }

        Measured run() {
            Map<Quantity, Double> values = new EnumMap<>(Quantity.class);
            request.quantities().forEach(quantity -> values.put(quantity, measure(quantity)));
            boolean wanted = layer.kind() != LayerKind.BN
                    && (request.spectra().contains("all") || request.spectra().contains(layer.name()));
            return new Measured(layer.name(), layer.kind(), values, converged, remark(),
                    wanted ? Optional.of(spectrum()) : Optional.empty());
        }

        private Optional<String> remark() {
            Optional<String> estimate = converged.filter(reached -> !reached)
                    .map(_ -> "the estimate of l2 has not converged: the truth may be well above");
            return Stream.of(layer.remark(), estimate).flatMap(Optional::stream).reduce((a, b) -> a + ", " + b);
        }

        private double measure(Quantity quantity) {
            double l1 = layer.measure(Norm.L1, BatchNormStatistics.running());
            if (layer.kind() == LayerKind.BN || quantity == Quantity.L1) {
                return l1;
            }
            if (quantity == Quantity.LINF) {
                return layer.measure(Norm.LINF, BatchNormStatistics.running());
            }
            if (!(l1 < Double.POSITIVE_INFINITY)) {
                return l1;
            }
            Conv2dSizes s = sizes();
            return switch (quantity) {
                case L2 -> estimate(s);
                case L2_BOUND -> SpectralBound.guaranteed(device.workers()).of(s, mode(), weight());
                case CIRCULAR -> CircularConvolution.exists(s)
                        ? ConvolutionSpectrum.largest(CircularConvolution.of(s), weight(), device.workers())
                        : Double.NaN;
                case L1, LINF -> throw new IllegalStateException("measured above");
            };
        }

        private double estimate(Conv2dSizes s) {
            RandomStream start = RandomStream.of(request.seed(), "l2 norm of " + layer.name());
            LargestSingularValue.Estimate estimate = LargestSingularValue.ofConvolution(s, mode(), weight(), start, request.lanczos(),
                    device);
            converged = Optional.of(estimate.converged());
            return estimate.value();
        }

        private Spectrum spectrum() {
            Conv2dSizes s = sizes();
            if (!CircularConvolution.exists(s)) {
                throw UserError.failure("--spectrum: the stride of " + layer.name() + " does not divide its input of " + s.h() + "x" + s.w()
                        + ", so that it has no circular spectrum; ask for --norm l2");
            }
            if (layer.remark().filter(remark -> remark.contains("weights are")).isPresent()) {
                throw UserError.failure("--spectrum: " + layer.name() + " has no singular values: " + layer.remark().orElse(""));
            }
            return new Spectrum(ConvolutionSpectrum.values(CircularConvolution.of(s), weight(), request.svd(), device.workers()),
                    request.svd());
        }

        private float[] weight() {
            return layer.weight().orElseThrow().tensor().toArray();
        }

        private PadMode mode() {
            return layer.layer() instanceof Conv2d conv && conv.geometry().isPadded() ? conv.geometry().mode() : PadMode.ZERO;
        }

        /// A linear layer is a convolution of one tap on an image of one pixel.
        private Conv2dSizes sizes() {
            return layer.convolution().orElseGet(() -> {
                Linear linear = (Linear) layer.layer();
                return new Conv2dSizes(1, linear.inFeatures(), 1, 1, linear.outFeatures(), 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1);
            });
        }
    }
}
