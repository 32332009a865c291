// The linker: tables for nets that Python has never seen, out of the parts that `parts.py` has cut.
//
// A part has rows with open fields: a size is a number or the letters of the sizes that it is the product
// of, an operand is [memory, start, step per place, step per column, step per row]. Here sizes are known,
// memory is given out, none of it twice: so every number of a pass stays where it can be looked at.

import { LINE, WIDTH } from "../../export/page/run/machine.mjs";

/** Memory that is given out once: `size` doubles, and what stands there at first. */
class Memory {
  constructor() {
    Object.assign(this, { size: 0, contents: [], known: new Map() });
  }

  take(n, numbers = null) {
    const at = this.size;
    this.size += Math.ceil(n / LINE) * LINE;
    if (numbers) this.contents.push([at, Float64Array.from(numbers)]);
    return at;
  }

  /** Where a number stands: "=0.5", "=2.0*strength", or "0..N", the whole numbers below N. */
  number(name, sizes, scales) {
    const key = name.startsWith("0..") ? `0..${sizeOf(name.slice(3), sizes)}` : name;
    if (!this.known.has(key)) {
      const [factor, scale] = name.slice(1).split("*");
      const numbers = name.startsWith("0..")
        ? Array.from({ length: sizeOf(name.slice(3), sizes) }, (_, k) => k)
        : [Number(factor) * (scale ? scales[scale] : 1)];
      this.known.set(key, this.take(numbers.length, numbers));
    }
    return this.known.get(key);
  }
}

/** A size, once its letters are known. */
export function sizeOf(size, sizes) {
  return typeof size === "number" ? size : [...size].reduce((product, letter) => product * sizes[letter], 1);
}

/** The rows of a part as numbers; `places` are those of its ports, and get those of its own memory. */
function linkedRows(rows, part, sizes, places, memory, scales = {}) {
  for (const [name, size] of Object.entries(part.own)) places[name] ??= memory.take(sizeOf(size, sizes));
  const operand = ([name, start, ...steps]) => {
    const at = name.startsWith("=") || name.startsWith("0..") ? memory.number(name, sizes, scales) : places[name];
    if (at === undefined) throw new Error(`a part reads ${name}, which nobody has placed`);
    return [at + sizeOf(start, sizes), ...steps.map((step) => sizeOf(step, sizes))];
  };
  return rows.map(([op, ...fields]) => {
    const numbers = fields.slice(0, 4).map((size) => sizeOf(size, sizes));
    const row = [op, ...numbers, 0, ...fields.slice(4).flatMap(operand)];
    return [...row, ...Array(WIDTH - row.length).fill(0)];
  });
}

/**
 * A net of dense layers as a table.
 *
 * sizes        [inputs, units of each hidden layer..., outputs]
 * activations  of the hidden layers
 * end          loss and output activation, a name of `parts.ends`
 * rows         for how many examples at most
 * optimizer, penalty, strength   names of the parts, penalty null for none
 * dropout      whether hidden layers have a mask, which is filled before each step
 *
 * Gives {code, forward, arena, contents, cap, P, G, T, B, mean, x, y, loss, out, layers, updates}: how many
 * rows go forward, and where things stand. A layer is {z, a, out, delta, W, b, dW, db, mask, I, O}: places,
 * columns `cap` apart (W and dW: unit by unit, I numbers each).
 */
export function linkedNet(parts, net) {
  const { sizes, activations, end, rows, optimizer, penalty = null, strength = 0, dropout = false } = net;
  const memory = new Memory();
  const cap = LINE * (Math.ceil(rows / LINE) | 1);
  const T = sizes.slice(1).reduce((sum, O, l) => sum + (sizes[l] + 1) * O, 0);
  const [B, mean, P, G] = [1, 1, T, T].map((n) => memory.take(n));
  const last = sizes.length - 2;
  const layers = layersOf(parts, net, memory, { cap, P, G });
  const at = { P, G, B, mean, Y: memory.take(cap), X: layers[0].x, loss: memory.take(cap) };
  const letters = (l) => (l < last
    ? { I: sizes[l], O: sizes[l + 1], N: sizes[l + 2], C: cap, T }
    : { O: sizes[l], N: sizes[l + 1], C: cap, T });
  const partOf = (l) => (l < last ? parts[dropout ? "dropout" : "hidden"][activations[l]] : parts.ends[end]);
  const forward = [], backward = [];
  layers.forEach((layer, l) => {
    const { W: nextW, delta: nextDelta } = layers[l + 1] ?? {};
    const places = { ...layer, nextW, nextDelta, Y: at.Y, B, mean, loss: at.loss };
    const link = (way) => linkedRows(partOf(l)[way], partOf(l), letters(l), places, memory);
    forward.push(...link("forward"));
    backward.unshift(...link("backward"));
  });
  if (penalty) {
    const part = parts.penalties[penalty];
    const places = { P, G, B, mean, slope: memory.take(T), value: memory.take(1) };
    backward.push(...linkedRows(part.forward, part, { T, C: cap }, places, memory, { strength }));
  }
  const updates = optimizer ? updatesOf(parts.optimizers[optimizer], { P, G, T }, memory) : [];
  return {
    code: [...forward, ...backward].flat(), forward: forward.length, rows: forward.length + backward.length,
    arena: memory.size + LINE, contents: memory.contents, cap, T, P, G, B, mean, layers, updates,
    x: [at.X, 1, cap, sizes[0]], y: [at.Y, 1, cap, 1], loss: [at.loss, 1, cap, 1],
    out: [layers[last].out, 1, cap, sizes[last + 1]], most: rows,
  };
}

/** Where the numbers of each layer stand; what one gives is what the next one reads. */
function layersOf(parts, { sizes, activations, end, dropout }, memory, { cap, P, G }) {
  let x = memory.take(cap * sizes[0]), start = 0;
  return sizes.slice(1).map((O, l) => {
    const I = sizes[l];
    const isLast = l === sizes.length - 2;
    const part = isLast ? parts.ends[end] : parts[dropout ? "dropout" : "hidden"][activations[l]];
    const [z, a, out, delta] = Array.from({ length: 4 }, () => memory.take(cap * O));
    const mask = dropout && !isLast ? memory.take(cap * O) : null;
    const layer = { x, z, a, out, delta, mask, I, O };
    Object.assign(layer, { W: P + start, b: P + start + I * O, dW: G + start, db: G + start + I * O });
    layer.out = x = layer[part.out];
    if (isLast || !reads(part, "a")) layer.a = layer.out;
    start += (I + 1) * O;
    return layer;
  });
}

/**
 * One unit of an activation for so many net inputs at once: what stands at `x` is z, and its delta, with a weight
 * of 1 to a delta of 1, is g'(z). Gives {code, rows, arena, contents, x, a, delta}.
 */
export function linkedUnit(parts, activation, rows) {
  const memory = new Memory();
  const cap = LINE * (Math.ceil(rows / LINE) | 1);
  const part = parts.hidden[activation];
  const [x, z, a, delta] = Array.from({ length: 4 }, () => memory.take(cap));
  const one = memory.take(1, [1]);
  const [b, dW, db] = [1, 1, 1].map((n) => memory.take(n));
  const ones = memory.take(cap, Array(cap).fill(1));
  const places = { x, z, a, delta, W: one, b, nextW: one, dW, db, nextDelta: ones };
  const sizes = { I: 1, O: 1, N: 1, C: cap, T: 1 };
  const code = ["forward", "backward"].flatMap((way) => linkedRows(part[way], part, sizes, places, memory));
  const { contents, size } = memory;
  return { code: code.flat(), rows: code.length, arena: size + LINE, contents, x, a: places[part.out], delta };
}

function reads(part, port) {
  return part.forward.some((row) => row.slice(5).some(([name]) => name === port));
}

/** The updates of an optimizer, one for each phase: {code, numbers, states, rate, time, before}. */
function updatesOf({ phases, sizes: known }, { P, G, T }, memory) {
  const sizes = { ...known, T };
  const [rate, time, before] = [1, 1, T].map((n) => memory.take(n));
  const held = phases.at(-1).states.map((name) => name && memory.take(T));
  return phases.map((phase) => {
    const places = { P, G, rate, time, before };
    phase.states.forEach((name, k) => name && (places[name] = held[k]));
    const rows = linkedRows(phase.forward, phase, sizes, places, memory);
    const numbers = rows.filter((row) => row[1] !== 0).length;
    const states = phase.states.map((name, k) => (name ? held[k] : null));
    return { code: rows.flat(), numbers, rows: rows.length, states, rate, time, before };
  });
}

/** The phases of a training (see training.mjs) of a linked net, on n examples in batches of `size`. */
export function phasesOf(net, n, size) {
  return net.updates.map(({ code, numbers, rows, states, rate, time, before }) => ({
    code: [...net.code, ...code],
    fields: [
      net.rows, numbers, rows - numbers, net.B, rate, time, net.mean, net.P, net.G, before, net.T,
      net.x[0], net.x[3], net.y[0], net.y[3], net.cap, ...net.out, n, size, 0, 0, 0, 0,
    ],
    arena: net.arena, contents: net.contents, states,
  }));
}

/** A linked net as a table that goes forward (see measure.mjs), with the parameters of the training. */
export function forwardOf(net) {
  const { arena, contents, most, P, B, x, y, loss, out, layers, cap, forward, T } = net;
  const places = Array.from({ length: T }, (_, k) => k);
  const code = net.code.slice(0, WIDTH * forward);
  return { code, arena, contents, rows: most, P, B, x, y, loss, out, places, guards: [], layers, cap };
}
