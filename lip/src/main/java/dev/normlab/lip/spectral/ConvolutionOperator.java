package dev.normlab.lip.spectral;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import java.util.Arrays;

/// A convolution of one image on a device's kernels: forward, and its adjoint, which is the gradient with respect to the input. Vectors lie
/// in the device's layout of activations.
///
/// Other borders than zeros are padded first; the adjoint adds what lies in the border to the pixels that it came from.
public final class ConvolutionOperator implements LinearOperator {

    private final Conv2dSizes sizes;
    private final PadMode mode;
    private final Device device;
    private final Storage weight;
    private final Layout inputLayout;
    private final Layout outputLayout;
    private final Conv2dSizes inner;
    private final float[] padded;
    private final float[] blocked;
    private final int[] rows;
    private final int[] columns;

    /// The operator of a zero-padded convolution.
    ///
    /// @param s      of one image
    /// @param weight `[o, c/groups, kh, kw]`, row-major; copied
    public ConvolutionOperator(Conv2dSizes s, float[] weight, Device device) {
        this(s, PadMode.ZERO, weight, device);
    }

    /// The operator of a convolution with any borders.
    ///
    /// @param weight copied
    /// @throws IllegalArgumentException if `s` is of more than one image
    public ConvolutionOperator(Conv2dSizes s, PadMode mode, float[] weight, Device device) {
        this(s, mode, Storage.ofFloats(s.weightShape(), Layout.PLAIN, weight.clone()), device);
    }

    /// The same of weights that others may use too: kernels keep one packed copy for all.
    ///
    /// @param weight row-major; not copied
    ConvolutionOperator(Conv2dSizes s, PadMode mode, Storage weight, Device device) {
        if (s.n() != 1) {
            throw new IllegalArgumentException("the operator of a convolution works on one image, but got sizes for " + s.n());
        }
        this.sizes = s;
        this.mode = mode;
        this.device = device;
        this.weight = weight;
        this.inner = mode == PadMode.ZERO ? s : unpadded(s);
        // with other borders the vectors are plain, because the border is added pixel by pixel
        this.inputLayout = device.kernels().activationLayout(inner.inputShape());
        this.outputLayout = device.kernels().activationLayout(s.outputShape());
        boolean zero = mode == PadMode.ZERO;
        this.padded = new float[zero ? 0 : inner.inputShape().elements()];
        this.blocked = new float[zero ? 0 : inputLayout.length(inner.inputShape())];
        this.rows = zero ? new int[0] : sources(inner.h(), s.padTop(), s.h());
        this.columns = zero ? new int[0] : sources(inner.w(), s.padLeft(), s.w());
    }

    /// The sizes of the same convolution without padding, on the padded image.
    static Conv2dSizes unpadded(Conv2dSizes s) {
        return new Conv2dSizes(1, s.c(), s.h() + s.padTop() + s.padBottom(), s.w() + s.padLeft() + s.padRight(), s.o(), s.kh(), s.kw(),
                s.strideH(), s.strideW(), 0, 0, 0, 0, s.dilationH(), s.dilationW(), s.groups(), s.oh(), s.ow());
    }

    @Override
    public int inputs() {
        return mode == PadMode.ZERO ? inputLayout.length(sizes.inputShape()) : sizes.inputShape().elements();
    }

    @Override
    public int outputs() {
        return outputLayout.length(sizes.outputShape());
    }

    @Override
    public int dimension() {
        return sizes.inputShape().elements();
    }

    @Override
    public void apply(float[] x, float[] y) {
        forward(mode == PadMode.ZERO ? x : packed(x), y);
    }

    private void forward(float[] x, float[] y) {
        Storage output = Storage.ofFloats(sizes.outputShape(), outputLayout, y);
        device.kernels().convolutions().conv2dForward(inner, Storage.ofFloats(inner.inputShape(), inputLayout, x), weight, null, output,
                device.workspace());
    }

    @Override
    public void applyTransposed(float[] y, float[] x) {
        if (mode == PadMode.ZERO) {
            backward(y, x);
            return;
        }
        backward(y, blocked);
        inputLayout.unpack(inner.inputShape(), blocked, padded);
        Arrays.fill(x, 0f);
        int width = inner.w();
        for (int row = 0; row < sizes.c() * inner.h(); row++) {
            int to = (row / inner.h() * sizes.h() + rows[row % inner.h()]) * sizes.w();
            for (int column = 0; column < width; column++) {
                x[to + columns[column]] += padded[row * width + column];
            }
        }
    }

    private void backward(float[] y, float[] x) {
        Storage input = Storage.ofFloats(inner.inputShape(), inputLayout, x);
        device.kernels().convolutions().conv2dBackwardInput(inner, Storage.ofFloats(sizes.outputShape(), outputLayout, y), weight, input,
                device.workspace());
    }

    private float[] packed(float[] x) {
        int width = inner.w();
        for (int row = 0; row < sizes.c() * inner.h(); row++) {
            int from = (row / inner.h() * sizes.h() + rows[row % inner.h()]) * sizes.w();
            for (int column = 0; column < width; column++) {
                padded[row * width + column] = x[from + columns[column]];
            }
        }
        inputLayout.pack(inner.inputShape(), padded, blocked);
        return blocked;
    }

    // Where row or column `i` of the padded image comes from.
    private int[] sources(int padded, int before, int size) {
        int[] sources = new int[padded];
        Arrays.setAll(sources, i -> mode.source(i - before, size));
        return sources;
    }

    @Override
    public void fill(FloatSource source, float[] x) {
        float[] plain = new float[dimension()];
        for (int i = 0; i < plain.length; i++) {
            plain[i] = source.next();
        }
        pack(plain, x);
    }

    /// Arranges an image `[c, h, w]` as inputs.
    void pack(float[] plain, float[] x) {
        if (mode == PadMode.ZERO) {
            inputLayout.pack(sizes.inputShape(), plain, x);
        } else {
            System.arraycopy(plain, 0, x, 0, dimension());
        }
    }
}
