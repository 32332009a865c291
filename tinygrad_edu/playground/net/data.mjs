// The data of the page: the package's data sets of points of the plane, their split, the features of a point.
// Equal arguments give the numbers that Python gives; a test holds every set against `data.DATA_SETS`.

import { Generator } from "../../export/page/run/generator.mjs";

const { abs, cos, exp, hypot, sin, PI } = Math;

/** n points on the way from `start` to `stop`, both included. */
function linspace(start, stop, n) {
  return Array.from({ length: n }, (_, k) => start + ((stop - start) * k) / Math.max(n - 1, 1));
}

/** How many points each of k classes has: the first ones get what is left over. */
function shares(n, k) {
  return Array.from({ length: k }, (_, i) => Math.floor(n / k) + (i < n % k ? 1 : 0));
}

function circle(n, radius) {
  return Array.from({ length: n }, (_, k) => [radius * cos((2 * PI * k) / n), radius * sin((2 * PI * k) / n)]);
}

function byClass(sizes) {
  return sizes.flatMap((size, label) => Array(size).fill(label));
}

function blurred(points, noise, generator) {
  return points.map((point) => point.map((x) => x + generator.gauss(0, noise)));
}

/** Sets that have as many classes as one wants: what their number is called in Python. */
export const COUNTED = { spiral: "arms", blobs: "centers" };

/** By name: (n, noise, generator, k) -> {points, classes}; the formulas are those of synthetic.py. */
export const SETS = {
  moons(n, noise, generator) {
    const sizes = shares(n, 2);
    const upper = linspace(0, PI, sizes[0]).map((t) => [cos(t), sin(t)]);
    const lower = linspace(0, PI, sizes[1]).map((t) => [1 - cos(t), 0.5 - sin(t)]);
    return { points: blurred([...upper, ...lower], noise, generator), classes: byClass(sizes) };
  },
  circles(n, noise, generator) {
    const sizes = shares(n, 2);
    const points = [...circle(sizes[0], 1), ...circle(sizes[1], 0.5)];
    return { points: blurred(points, noise, generator), classes: byClass(sizes) };
  },
  spiral(n, noise, generator, k) {
    const sizes = shares(n, k);
    const points = sizes.flatMap((size, arm) => {
      const radii = linspace(0, 1, size);
      return linspace(4 * arm, 4 * (arm + 1), size).map((t, row) => {
        const angle = t + generator.gauss(0, noise);
        return [radii[row] * sin(angle), radii[row] * cos(angle)];
      });
    });
    return { points, classes: byClass(sizes) };
  },
  blobs(n, noise, generator, k) {
    const middles = circle(k, 3 / sin(PI / k));
    const sizes = shares(n, k);
    const points = middles.flatMap((middle, c) => Array(sizes[c]).fill(middle));
    return { points: blurred(points, noise, generator), classes: byClass(sizes) };
  },
  xor(n, noise, generator) {
    const corners = Array.from({ length: n }, (_, k) => [[0, 0], [0, 1], [1, 0], [1, 1]][k % 4]);
    return { points: blurred(corners, noise, generator), classes: corners.map(([a, b]) => Number(a !== b)) };
  },
};

/** Functions of one number to be learned, for x from -1 to 1: in Python's notation, and the same here. */
export const FUNCTIONS = {
  "line": ["0.8 * x - 0.1", (x) => 0.8 * x - 0.1],
  "sine": ["sin(3 * x)", (x) => sin(3 * x)],
  "wave": ["sin(8 * x) * x", (x) => sin(8 * x) * x],
  "bend": ["abs(x) - 0.5", (x) => abs(x) - 0.5],
  "jump": ["0.7 if x > 0 else -0.7", (x) => (x > 0 ? 0.7 : -0.7)],
};

/** The same of two numbers, over the square from -1 to 1. */
export const SURFACES = {
  "plane": ["(x1 + x2) / 2", (x1, x2) => (x1 + x2) / 2],
  "hills": ["20 * x1 * x2 * exp(-4 * (x1**2 + x2**2))", (x1, x2) => 20 * x1 * x2 * exp(-4 * (x1 ** 2 + x2 ** 2))],
  "ripple": ["cos(6 * hypot(x1, x2))", (x1, x2) => cos(6 * hypot(x1, x2))],
};

/**
 * A data set as Python's function of that name gives it, with n points, this noise and rng=seed, of k classes
 * where one can choose. Points of a function are [x, y] or [x1, x2, y], and their `classes` null: see `dataLines`
 * of code.mjs for the same in Python.
 */
export function pointsOf(name, n, noise, seed, k = 3) {
  const generator = new Generator(seed);
  if (Object.hasOwn(SETS, name)) return SETS[name](n, noise, generator, k);
  if (Object.hasOwn(SURFACES, name)) {
    const places = Array.from({ length: n }, () => [generator.uniform(-1, 1), generator.uniform(-1, 1)]);
    const [, height] = SURFACES[name];
    return { points: places.map((x) => [...x, height(...x) + generator.gauss(0, noise)]), classes: null };
  }
  const xs = Array.from({ length: n }, () => generator.uniform(-1, 1));
  return { points: xs.map((x) => [x, FUNCTIONS[name][1](x) + generator.gauss(0, noise)]), classes: null };
}

/** The half that is even, as Python's `round` has it. */
function rounded(x) {
  return Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x);
}

/** Row numbers {train, test}, shuffled, as `train_test_split(..., test_size=share, rng=seed)` takes them. */
export function splitOf(classes, share, seed) {
  const order = new Generator(seed).shuffle(classes.map((_, k) => k));
  const groups = new Map();
  for (const k of order) groups.set(classes[k], [...(groups.get(classes[k]) ?? []), k]);
  const held = new Set();
  for (const group of groups.values()) {
    const n = Math.min(Math.max(rounded(share * group.length), 1), group.length - 1);
    group.slice(0, n).forEach((k) => held.add(k));
  }
  return { train: order.filter((k) => !held.has(k)), test: order.filter((k) => held.has(k)) };
}

/** Features of a point by their names in Python. */
export const FEATURES = {
  "x1": (x1) => x1,
  "x2": (_x1, x2) => x2,
  "x1*x2": (x1, x2) => x1 * x2,
  "x1**2": (x1) => x1 * x1,
  "x2**2": (_x1, x2) => x2 * x2,
  "sin(pi*x1)": (x1) => sin(PI * x1),
  "sin(pi*x2)": (_x1, x2) => sin(PI * x2),
};

/** The rows of these features of points, one row after another, as a plan takes them. */
export function rowsOf(points, names) {
  return points.flatMap(([x1, x2]) => names.map((name) => FEATURES[name](x1, x2)));
}
