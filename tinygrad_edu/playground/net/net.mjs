// A net that is made in the page: its first parameters, their names, and its plan of a training.

import { Generator } from "../../export/page/run/generator.mjs";
import { forwardOf, linkedNet, phasesOf } from "./linker.mjs";

/** The places of the parameters in P, in the order of `parameters()` in Python: w of a unit, its b, .... */
export function placesOf(sizes) {
  const places = [];
  let start = 0;
  sizes.slice(1).forEach((O, l) => {
    const I = sizes[l];
    for (let unit = 0; unit < O; unit++) {
      for (let k = 0; k < I; k++) places.push(start + unit * I + k);
      places.push(start + I * O + unit);
    }
    start += (I + 1) * O;
  });
  return places;
}

/** A name as every view has it: `nameOf(parts, "w", {layer: 1, unit: 2, index: 3})` is w1[2,3]. */
export function nameOf(parts, letter, place, notation = "lecture") {
  return parts.names[notation][letter].replace(/\{(\w+)\}/g, (_, key) => place[key]);
}

/** The names of the parameters, in the same order. */
export function namesOf(parts, sizes, notation = "lecture") {
  return sizes.slice(1).flatMap((O, l) => Array.from({ length: O }, (_, unit) => {
    const place = { layer: l + 1, unit: unit + 1 };
    const weights = Array.from({ length: sizes[l] }, (__, k) => (
      nameOf(parts, "w", { ...place, index: k + 1 }, notation)));
    return [...weights, nameOf(parts, "b", place, notation)];
  }).flat());
}

/** The vector P that `MLP(sizes..., rng=seed)` starts with; the last layer has the output activation. */
export function parametersOf(parts, { sizes, activations, end }, seed) {
  const generator = new Generator(seed);
  const P = new Float64Array(placesOf(sizes).length);
  const output = end.split(" ")[1];
  let start = 0;
  sizes.slice(1).forEach((O, l) => {
    const I = sizes[l];
    const [draw, scales] = parts.initial[activations[l] ?? output];
    const scale = scales[I][O];
    for (let k = 0; k < I * O; k++) {
      P[start + k] = draw === "gauss" ? generator.gauss(0, scale) : generator.uniform(-scale, scale);
    }
    start += (I + 1) * O;
  });
  return P;
}

/** The plan of masks (see masks.mjs) that `nn.Dropout(p, rng=Random(seed))` draws, one for all hidden layers. */
function masksOf({ cap, layers }, p, seed) {
  const places = layers.flatMap(({ mask, O }) => (
    mask === null ? [] : Array.from({ length: O }, (_, k) => mask + k * cap)));
  return { generators: [new Generator(seed).state], places, sources: places.map(() => 0), p: places.map(() => p) };
}

/**
 * The plan of a training (see training.mjs) of a net (see `linkedNet`, without `rows`) on rows X and
 * targets Y. `options`: seed (of the parameters), shuffle (seed of the batches), masks (seed of dropout),
 * size (of a batch), rate, head, and test, {X, Y, head}, or null; parameters, if they are not to be drawn.
 * With `net.dropout`, the probability with which a number is left out, hidden layers have masks.
 */
export function planOf(parts, net, X, Y, options) {
  const { sizes, optimizer } = net;
  const n = Y.length;
  const size = Math.min(options.size ?? n, n);
  const linked = linkedNet(parts, { ...net, rows: size });
  const { rate, initial } = parts.optimizers[optimizer];
  const masks = net.dropout ? masksOf(linked, net.dropout, options.masks ?? 0) : null;
  const T = linked.T;
  let test = null;
  if (options.test) {
    const rows = Math.min(512, options.test.Y.length);
    const table = forwardOf(linkedNet(parts, { ...net, rows, dropout: false, penalty: null }));
    test = { ...options.test, table };
  }
  return {
    X, Y, size, linked, test, masks,
    generator: size < n ? new Generator(options.shuffle ?? 0).state : null,
    phases: phasesOf(linked, n, size),
    states: initial.map((x) => (x === null ? null : new Float64Array(T).fill(x))),
    parameters: options.parameters ?? parametersOf(parts, net, options.seed ?? 0),
    names: namesOf(parts, sizes), places: placesOf(sizes),
    rate: options.rate ?? rate, rates: null, updates: 0, head: options.head ?? null, guards: [], reasons: parts.reasons,
  };
}
