package dev.normlab.lip.bound;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.Recorder;
import dev.normlab.engine.program.StepProgram;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.LayerModes;
import java.util.List;

/// Upper bounds of how much a network in eval mode can stretch a difference of two inputs, in l1, l2 and linf.
///
/// They are computed along the recorded program of one image: the factors of operations multiply along a path and add where paths meet in a
/// sum. Every factor is the exact norm of a linear operation or an upper bound of it (l2), batch norm is taken together with the
/// convolution before it, and activations count with their largest slope. A product of two values, as in squeeze and excitation, is bounded
/// by `‖xg − x'g'‖ <= max|g|·‖x − x'‖ + max|x|·‖g − g'‖`, with the largest magnitudes found by interval arithmetic for images in a box.
/// That holds for all images of the box; the bound that holds the gates still is only that of the map with the gates as they are at one
/// image, and is reported beside it.
///
/// These are bounds and no Lipschitz constants: the truth is smaller, mostly by orders of magnitude.
///
/// @param bound      holds for all pairs of images of the box
/// @param gatesHeld  the same with every sigmoid gate held still: bounded by its largest value, its own changes left out
/// @param hasGates   whether the two differ by construction
/// @param steps      the factors of the operations, in order of execution
public record NetworkBound(PNorms bound, PNorms gatesHeld, boolean hasGates, List<Step> steps) {

    /// Copies the list.
    public NetworkBound {
        steps = List.copyOf(steps);
    }

    /// An operation's factor.
    ///
    /// @param operation what it does
    /// @param weight    the name of its weight; empty if it has none
    public record Step(String operation, String weight, PNorms factor) {}

    /// The values that images have.
    public record Box(double low, double high) {

        /// Pixels from 0 to 1.
        public static final Box PIXELS = new Box(0, 1);
    }

    /// The bounds of a model from its input to its logits.
    ///
    /// @param image    the shape of one image, `[1, c, h, w]`
    /// @param spectral bounds the largest singular values of convolutions and linear layers
    /// @throws dev.normlab.lip.norm.NormException if the network contains an operation that has no bound
    public static NetworkBound of(Layer model, Shape image, Box box, SpectralBound spectral, Device device) {
        return new BoundWalk(record(model, image, device), box, spectral).run();
    }

    /// The forward pass of one image in eval mode.
    static StepProgram record(Layer model, Shape image, Device device) {
        LayerModes modes = LayerModes.evaluating(model);
        try {
            Recorder recorder = new Recorder(device);
            Tensor images = recorder.feed(BoundWalk.IMAGES, TensorSpec.floats(image.with(0, 1)));
            try (Tape tape = new Tape(recorder, List.of())) {
                recorder.fetch(BoundWalk.LOGITS, model.forward(tape, images));
            }
            return recorder.program();
        } finally {
            modes.restore();
        }
    }
}
