// All numbers of one example by layer and unit, layers counting from 0, the inputs; and the chain rule of a
// weight, path by path.

/** The place of a weight in P and G: to a unit of a layer from an input, which is -1 for the bias. */
export function placeOf(sizes, layer, unit, k) {
  let start = 0;
  for (let l = 1; l < layer; l++) start += (sizes[l - 1] + 1) * sizes[l];
  const I = sizes[layer - 1];
  return start + (k === -1 ? I * sizes[layer] + unit : unit * I + k);
}

/** What `Lens.trace` tells, in lists by layer: z, a (a[0] are the inputs), slope, delta; loss; G; the sizes. */
export function numbersOf(trace, sizes, y) {
  const by = (letter, first) => [first, ...trace.layers.map((layer) => layer[letter])];
  return {
    sizes,
    y,
    loss: trace.loss,
    G: trace.G,
    z: by("z", []),
    a: by("a", trace.layers[0].x),
    slope: by("slope", []),
    delta: by("delta", []),
  };
}

export const gradientOf = ({ sizes, G }, layer, unit, k) => G[placeOf(sizes, layer, unit, k)];

/**
 * The paths from a weight to the loss, the largest first: {units, factors, product}. `units` are those the
 * path goes through, from the weight's own on; `factors` the source, then g'(z) and the weights in turn, and
 * the delta of the output. The products together are the gradient.
 */
export function pathsOf(numbers, P, { layer, unit, k }) {
  const { sizes, a, slope, delta } = numbers;
  const last = sizes.length - 1;
  let paths = [{ units: [unit], factors: [k === -1 ? 1 : a[layer - 1][k]] }];
  for (let l = layer; l < last; l++) {
    paths = paths.flatMap(({ units, factors }) =>
      Array.from({ length: sizes[l + 1] }, (_, next) => ({
        units: [...units, next],
        factors: [...factors, slope[l][units.at(-1)], P[placeOf(sizes, l + 1, next, units.at(-1))]],
      })),
    );
  }
  for (const path of paths) {
    path.factors.push(delta[last][path.units.at(-1)]);
    path.product = path.factors.reduce((product, factor) => product * factor, 1);
  }
  return paths.sort((one, other) => Math.abs(other.product) - Math.abs(one.product));
}

/** delta times weight for all units of the next layer: their sum times g'(z) is the unit's delta. */
export function termsOf({ sizes, delta }, P, layer, unit) {
  return delta[layer + 1].map((number, next) => number * P[placeOf(sizes, layer + 1, next, unit)]);
}
