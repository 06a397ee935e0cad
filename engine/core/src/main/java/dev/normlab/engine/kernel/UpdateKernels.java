package dev.normlab.engine.kernel;

import dev.normlab.engine.tensor.Storage;
import org.jspecify.annotations.Nullable;

/// Updates in place: optimisers, norm decay and what they share. Plain storages; scalars are one-element or short float tensors, never
/// constants.
public interface UpdateKernels {

    /// SGD as in PyTorch. `scalars` = `{lr, momentum, dampening, weightDecay, nesterov (0 or 1), firstStep (0 or 1)}`:
    /// `g += weightDecay * p`; `v = firstStep ? g : momentum * v + (1 - dampening) * g` if momentum is not 0;
    /// `p -= lr * (nesterov ? g + momentum * v : v)`. `grad` is not modified.
    void sgd(Storage grad, Storage scalars, Storage parameter, Storage velocity, Workspace workspace);

    /// Adam and AdamW. `scalars` = `{lr, beta1, beta2, eps, weightDecay, decoupled (0 or 1), 1 - beta1^t, 1 - beta2^t}`,
    /// the last two from the betas as rounded to float.
    void adam(Storage grad, Storage scalars, Storage parameter, Storage firstMoment, Storage secondMoment, Workspace workspace);

    /// `target += factor[0] * x`.
    void addScaled(Storage x, Storage factor, Storage target, Workspace workspace);

    /// `target = x`.
    void assign(Storage x, Storage target, Workspace workspace);

    /// Sums of absolute weights in at least twice the precision of floats, the one pass over the weights behind every l1 and linf norm:
    /// `table` is `[channels, kh, kw]`, row-major and long enough, and gets for each tap the sum of `|weight|` over the filters of the
    /// channel. `weight` has `o * c/groups * kh * kw` elements. A backend may add up to eight weights of a large layer as floats first, so
    /// that every sum is within 1.8e-7 of itself, and that of many weights far closer.
    void absoluteSums(SliceNormSizes s, Storage weight, double[] table, Workspace workspace);

    /// The largest slice sum of `|weight|`, times `channelScale[channel]` if there is one: `norm[1]`, and `argMax` int `[2]` = {channel,
    /// tap set} (lowest on ties; the first NaN sum counts as the largest). A layer without tap sets has norm 0 and argMax {-1, -1}.
    void sliceNorm(SliceNormSizes s, Storage weight, @Nullable Storage channelScale, Storage norm, Storage argMax,
            Workspace workspace);

    /// Norm decay: `trace *= momentum`; `trace[slice] = sign(weight[slice])` (times the channel's scale); `grad += beta * trace`.
    /// `scalars` = `{beta, momentum}`.
    void sliceDecay(SliceNormSizes s, Storage weight, @Nullable Storage channelScale, Storage argMax, Storage scalars,
            Storage trace, Storage grad, Workspace workspace);

    /// The nearest weights inside a norm, up to the rounding towards zero ([SliceProjection]): afterwards no slice sum exceeds the radius
    /// of `limit`, or with variances `[channels]` that of its channel ([SliceLimit#radius(float)]). Channels inside, and those with a
    /// weight, or a variance, that is NaN or infinite, keep their bits.
    void projectSlices(SliceLimit limit, @Nullable Storage channelVariance, Storage weight, Workspace workspace);

    /// One step of an attack in the l-infinity ball, every element by itself: `point += stepSize * sign(gradient)`, then to
    /// `[clean - eps, clean + eps]`, then to [0, 1]. `stepSize` and `eps` have one element; NaN stays NaN.
    void signStep(Storage gradient, Storage clean, Storage stepSize, Storage eps, Storage point, Workspace workspace);

    /// One step of an attack in the Euclidean ball, every image `point[i, ..]` by itself: `point += stepSize * gradient / |gradient|`, then
    /// the distance from `clean` shortened to `eps` if it is longer, then to [0, 1]. Lengths below 1e-12 count as 1e-12 and are summed in
    /// double precision.
    void unitStep(Storage gradient, Storage clean, Storage stepSize, Storage eps, Storage point, Workspace workspace);

    /// One step of Auto-PGD (Croce and Hein 2020, arXiv:2003.01690, section 3), every image `point[i, ..]` by itself, in double precision:
    /// `ahead = P(point + stepSize[i] dir)`, then `point = P(point + share (ahead - point) + (1 - share)(point - previous))`, and
    /// `previous` is what `point` was. `P` is [BallProjection]'s, `dir` the sign or the unit vector of the gradient, of which NaN entries
    /// count as 0 and infinite ones as the largest finite number. An image whose step size is 0 stays, and so does its `previous`.
    ///
    /// @param stepSize `[n]`
    /// @param eps      one element
    /// @param share    one element
    void momentumStep(StepDirection direction, Storage gradient, Storage clean, Storage stepSize, Storage eps, Storage share, Storage point,
            Storage previous, Workspace workspace);

    /// One step in the l1 ball, every image `point[i, ..]` by itself, in double precision: the `c` entries of the gradient that are not 0
    /// and at least as large as its entry of rank `rank[i]` move by `stepSize[i] / c` along their signs, then the image goes to the nearest
    /// point of the ball and the box. NaN entries count as 0. An image whose step size is 0 stays.
    ///
    /// @param rank     int `[n]`, the place of the smallest entry that moves when magnitudes ascend, from 0
    /// @param stepSize `[n]`
    /// @param eps      one element
    void sparseStep(Storage gradient, Storage clean, Storage rank, Storage stepSize, Storage eps, Storage point, Workspace workspace);
}
