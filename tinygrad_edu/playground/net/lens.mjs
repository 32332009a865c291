// The lens: all numbers of one example, forward and backward; and the outputs of all units on a grid.

import { Forward } from "../../export/page/run/measure.mjs";
import { forwardOf, linkedNet, linkedUnit } from "./linker.mjs";

/** g'(z) of an activation, by the package's own rule, for at most `most` net inputs at a time. */
export class Slope {
  constructor(machine, parts, activation, most) {
    this.unit = linkedUnit(parts, activation, most);
    this.machine = machine;
    this.memory = machine.arena(this.unit.arena, this.unit.contents);
    this.code = machine.integers(this.unit.code);
  }

  at(zs) {
    const { x, delta, rows } = this.unit;
    this.memory.array.set(zs, x);
    this.machine.run(this.memory, this.code, rows, zs.length);
    return Array.from(this.memory.array.subarray(delta, delta + zs.length));
  }
}

/** A net that goes forward and backward for one example at a time; it learns nothing. */
export class Lens {
  constructor(machine, parts, net) {
    this.net = linkedNet(parts, { ...net, rows: 1, dropout: false, penalty: null, optimizer: null });
    this.machine = machine;
    this.memory = machine.arena(this.net.arena, this.net.contents);
    this.code = machine.integers(this.net.code);
    const [, output] = net.end.split(" ");
    const kinds = [...net.activations, output];
    const slopes = new Map(kinds.map((kind) => [kind, new Slope(machine, parts, kind, Math.max(...net.sizes))]));
    this.slopes = kinds.map((kind) => slopes.get(kind));
  }

  /**
   * For parameters P, an example and its target: {loss, out, layers, G}. A layer is {x, z, a, slope, delta},
   * arrays by unit (x: its inputs, slope: g'(z)); G are the derivatives of the loss by all numbers of P.
   */
  trace(P, x, y) {
    const { net, machine } = this;
    const { cap, layers } = net;
    const memory = this.memory.array;
    memory.set(P, net.P);
    memory[net.B] = 1;
    x.forEach((number, k) => { memory[net.x[0] + k * cap] = number; });
    memory[net.y[0]] = y;
    machine.run(this.memory, this.code, net.rows, 1);
    const numbers = (at, n) => Array.from({ length: n }, (_, k) => memory[at + k * cap]);
    const slopes = layers.map(({ z, O }, l) => this.slopes[l].at(numbers(z, O)));
    return {
      loss: memory[net.loss[0]],
      out: numbers(net.out[0], net.out[3]),
      layers: layers.map(({ x: input, z, a, delta, I, O }, l) => ({
        x: numbers(input, I), z: numbers(z, O), a: numbers(a, O), slope: slopes[l], delta: numbers(delta, O),
      })),
      G: memory.slice(net.G, net.G + net.T),
    };
  }
}

/** The maps of all units: their outputs at many points, which are given once. */
export class Maps extends Forward {
  /** `points` are the rows of inputs, features included, one after another. */
  constructor(machine, parts, net, points) {
    const rows = points.length / net.sizes[0];
    super(machine, forwardOf(linkedNet(parts, { ...net, rows, dropout: false, penalty: null, optimizer: null })));
    this.n = this.fill(this.table.x, points, 0);
  }

  /** Compute all maps for these parameters. */
  draw(P) {
    this.parameters = P;
    this.run(this.n);
  }

  /** The activations of a unit at all points, layer and unit from 0 on: good until memory grows. */
  of(layer, unit) {
    const { layers, cap } = this.table;
    const start = layers[layer].a + unit * cap;
    return this.memory.array.subarray(start, start + this.n);
  }
}
