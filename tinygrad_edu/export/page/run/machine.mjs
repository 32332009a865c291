// The machine: machine.wasm runs tables of instructions on one block of doubles. This file alone
// knows its functions; everything else sees regions of memory and three verbs: run, train, shuffle.

const PAGE = 65536;

/** Doubles in a cache line, at which memory starts. */
export const LINE = 8;

/** Fields of an instruction. */
export const WIDTH = 22;

/** A piece of the machine's memory, looked at as an array: `array` is good until more is asked for. */
export class Region {
  constructor(memory, Kind, at, length) {
    Object.assign(this, { memory, Kind, at, length, view: null });
  }

  get array() {
    const { memory, Kind, at, length } = this;
    if (this.view?.buffer !== memory.buffer) this.view = new Kind(memory.buffer, at, length);
    return this.view;
  }

  set(numbers) {
    this.array.set(numbers);
    return this;
  }
}

export class Machine {
  /** From the bytes of machine.wasm. */
  static async start(bytes) {
    return new Machine((await WebAssembly.instantiate(bytes)).instance.exports);
  }

  constructor(exports) {
    this.exports = exports;
    this.base = this.top = exports.memory.buffer.byteLength;
  }

  /** Memory is given out from the start again: regions of before are not to be used any more. */
  clear() {
    this.top = this.base;
  }

  /** Zeros: as many doubles, or numbers of another kind of array. */
  region(length, Kind = Float64Array) {
    const { memory } = this.exports;
    const at = this.top;
    this.top += Math.ceil((length * Kind.BYTES_PER_ELEMENT) / (8 * LINE)) * 8 * LINE;
    const missing = this.top - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
    const region = new Region(memory, Kind, at, length);
    region.array.fill(Kind === BigInt64Array ? 0n : 0);
    return region;
  }

  /** Whole numbers of 64 bits. */
  integers(numbers) {
    return this.region(numbers.length, BigInt64Array).set(Array.from(numbers, BigInt));
  }

  /** A block of `size` doubles, with what stands there at first: pairs of a place and numbers. */
  arena(size, contents) {
    const arena = this.region(size);
    for (const [at, numbers] of contents) arena.array.set(numbers, at);
    return arena;
  }

  /** `count` instructions of the table, on so many examples. */
  run(arena, code, count, rows) {
    this.exports.run_baseline(arena.at, code.at, BigInt(count), BigInt(rows));
  }

  /** Steps of a descent: 0, or the place in the reasons why there were fewer; see machine.c. */
  train(...regions) {
    return Number(this.exports.train_baseline(...regions.map((region) => region?.at ?? 0)));
  }

  /** Shuffle an order as Python's generator with this state does it. */
  shuffle(state, order, into) {
    const n = BigInt(order.length);
    this.exports.shuffle_baseline(state.at, order.at, n, into.at, BigInt(into.length) / n);
  }
}
