// Exact l1 and linf norms of convolutions: the snippets of docs/guide/2-norms.md.
// Run: ./normlab jshell docs/examples/norms.jsh


// 2. Exact norms of convolutions
import dev.normlab.engine.autograd.*;
import dev.normlab.engine.kernel.*;
import dev.normlab.engine.tensor.*;
import dev.normlab.lip.norm.*;
import dev.normlab.nn.layer.*;
import dev.normlab.nn.model.*;
import java.util.*;

void show(String format, Object... values) {
    System.out.println(String.format(Locale.ROOT, format, values));
}

Device device = Device.scalar(1);

// A convolution is a matrix
double[][] matrix(Tensor kernel, Conv2dGeometry geometry, int h, int w) {
    int channels = kernel.shape().size(1) * geometry.groups();
    int inputs = channels * h * w;
    float[] unit = new float[inputs * inputs];
    for (int j = 0; j < inputs; j++) {
        unit[j * inputs + j] = 1;
    }
    try (Tape tape = Tape.inference(device)) {
        float[] y = Convolution.conv2d(tape, Tensor.of(Shape.of(inputs, channels, h, w), unit), kernel, null, geometry).toArray();
        int outputs = y.length / inputs;
        double[][] m = new double[outputs][inputs];
        for (int i = 0; i < outputs; i++) {
            for (int j = 0; j < inputs; j++) {
                m[i][j] = y[j * outputs + i];
            }
        }
        return m;
    }
}

void print(double[][] m) {
    for (double[] row : m) {
        StringJoiner line = new StringJoiner(" ");
        for (double value : row) {
            line.add(String.format(Locale.ROOT, "%2.0f", value));
        }
        show("%s", line);
    }
}

Tensor row = Tensor.of(Shape.of(1, 1, 1, 3), 1, -2, 4);
Conv2dGeometry padded = new Conv2dGeometry(1, 1, 0, 0, 1, 1, 1, 1, 1, PadMode.ZERO);
print(matrix(row, padded, 1, 5));

// The norms are sums of rows and columns
double linf(double[][] m) {
    double largest = 0;
    for (double[] values : m) {
        largest = Math.max(largest, Arrays.stream(values).map(Math::abs).sum());
    }
    return largest;
}

double l1(double[][] m) {
    double largest = 0;
    for (int j = 0; j < m[0].length; j++) {
        double sum = 0;
        for (double[] values : m) {
            sum += Math.abs(values[j]);
        }
        largest = Math.max(largest, sum);
    }
    return largest;
}

double[][] m = matrix(row, padded, 1, 5);
show("l1 %.0f, linf %.0f", l1(m), linf(m));

Conv2dGeometry strided = new Conv2dGeometry(1, 2, 0, 0, 1, 1, 1, 1, 1, PadMode.ZERO);
print(matrix(row, strided, 1, 5));
show("l1 %.0f, linf %.0f", l1(matrix(row, strided, 1, 5)), linf(matrix(row, strided, 1, 5)));

// Which taps meet
show("stride 1, 32 pixels: a row meets %s, a column %s", TapSets.ofOutputs(32, 32, 3, 1, 1, 1), TapSets.ofInputs(32, 32, 3, 1, 1, 1));
show("stride 2, 32 pixels: a row meets %s, a column %s", TapSets.ofOutputs(32, 16, 3, 2, 1, 1), TapSets.ofInputs(32, 16, 3, 2, 1, 1));
show("stride 1,  2 pixels: a row meets %s, a column %s", TapSets.ofOutputs(2, 2, 3, 1, 1, 1), TapSets.ofInputs(2, 2, 3, 1, 1, 1));
show("stride 1,  1 pixel:  a row meets %s, a column %s", TapSets.ofOutputs(1, 1, 3, 1, 1, 1), TapSets.ofInputs(1, 1, 3, 1, 1, 1));

double norm(Tensor kernel, Conv2dGeometry geometry, int h, int w, Norm norm) {
    Shape input = Shape.of(1, kernel.shape().size(1) * geometry.groups(), h, w);
    SliceNormSizes slices = ConvolutionNorms.slices(Convolution.sizes(input, kernel.shape(), geometry), norm);
    return ConvolutionNorms.norm(slices, kernel.toArray()).norm();
}

Tensor nine = Tensor.of(Shape.of(1, 1, 3, 3), 1, 2, 3, 4, 5, 6, 7, 8, 9);

void compare(int size, int stride, int padding) {
    Conv2dGeometry g = Conv2dGeometry.of(stride, padding);
    double[][] dense = matrix(nine, g, size, size);
    show("%dx%d, stride %d, padding %d: l1 %2.0f (matrix %2.0f), linf %2.0f (matrix %2.0f)", size, size, stride, padding,
            norm(nine, g, size, size, Norm.L1), l1(dense), norm(nine, g, size, size, Norm.LINF), linf(dense));
}

compare(5, 1, 1);
compare(5, 2, 1);
compare(6, 3, 0);
compare(2, 1, 1);
compare(1, 1, 1);

Random draw = new Random(5);
int tried = 0;
int equal = 0;
while (tried < 60) {
    int groups = 1 + draw.nextInt(2);
    int h = 1 + draw.nextInt(5);
    int w = 1 + draw.nextInt(5);
    Conv2dGeometry g = new Conv2dGeometry(1 + draw.nextInt(3), 1 + draw.nextInt(3), draw.nextInt(3), draw.nextInt(3), draw.nextInt(3),
            draw.nextInt(3), 1 + draw.nextInt(2), 1 + draw.nextInt(2), groups, PadMode.ZERO);
    Shape shape = Shape.of(2 * groups, 1 + draw.nextInt(2), 1 + draw.nextInt(4), 1 + draw.nextInt(4));
    if (g.outputRows(h, shape.size(2)) < 1 || g.outputColumns(w, shape.size(3)) < 1) {
        continue;
    }
    float[] values = new float[shape.elements()];
    RandomStream.of(3, "kernel", tried).fillNormal(values, 0, 1);
    Tensor kernel = Tensor.of(shape, values);
    double[][] dense = matrix(kernel, g, h, w);
    tried++;
    equal += Math.abs(norm(kernel, g, h, w, Norm.L1) - l1(dense)) < 1e-12 && Math.abs(norm(kernel, g, h, w, Norm.LINF) - linf(dense)) < 1e-12 ? 1 : 0;
}
show("%d of %d agree", equal, tried);

// Other borders
Tensor two = Tensor.of(Shape.of(1, 1, 1, 3), 1, 1, 0);
print(matrix(two, padded.withMode(PadMode.REPLICATE), 1, 3));

// All layers of a network
Layer model = Models.create("vgg11:width=0.0625", 42);
model.eval();
try (Tape tape = Tape.inference(device)) {
    model.forward(tape, Tensor.zeros(1, 3, 32, 32));
}
for (LayerNorms.LayerNorm layer : LayerNorms.of(model).layers()) {
    if (layer.kind() == LayerKind.CONV) {
        show("%-12s l1 %5.2f  linf %5.2f", layer.name(), layer.l1(), layer.linf());
    }
}
