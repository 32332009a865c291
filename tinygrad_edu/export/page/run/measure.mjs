// Measuring: mean loss and accuracy of a model on rows that it does not learn from, forward alone.
//
// `test` is {X, Y, head, table}; a table is {code, arena, contents, rows, P, B, x, y, loss, out,
// places, guards}: x, y, loss, out are [place, step per row, step per column, columns], `places` says
// which number of the training's vector P each of its own parameters is (-1 for one that stays).

import { WIDTH } from "./machine.mjs";

/**
 * The weight of the examples whose outputs tell the class that is wanted (the first largest does), and that
 * of all; `number(k)` is the number of the k-th of n examples. Without weights each is 1.
 */
export function rightOf({ units, threshold, wanted, weights }, outputs, n, number) {
  let right = 0, all = 0;
  for (let k = 0; k < n; k++) {
    let found = 0;
    if (units === 1) found = outputs[k] > threshold ? 1 : 0;
    else {
      const row = k * units;
      for (let j = 1; j < units; j++) if (outputs[row + j] > outputs[row + found]) found = j;
    }
    const weight = weights ? weights[number(k)] : 1;
    all += weight;
    if (found === wanted[number(k)]) right += weight;
  }
  return [right, all];
}

/** Whether all comparisons, {place, outcome} each, came out for so many rows as they have to. */
export function asTraced(guards, memory, rows) {
  return guards.every(({ place: [at, row, column, n], outcome }) => {
    for (let r = 0; r < (row ? rows : 1); r++) {
      for (let j = 0; j < n; j++) if (memory[at + r * row + j * column] !== outcome) return false;
    }
    return true;
  });
}

/** A table that goes forward: outputs and losses of any rows, for given parameters. */
export class Forward {
  constructor(machine, table) {
    Object.assign(this, { machine, table });
    this.memory = machine.arena(table.arena, table.contents);
    this.code = machine.integers(table.code);
    this.count = table.code.length / WIDTH;
  }

  /** The parameters of the training's vector P. */
  set parameters(P) {
    const { places, P: at } = this.table;
    const own = this.memory.array;
    for (let k = 0; k < places.length; k++) if (places[k] >= 0) own[at + k] = P[places[k]];
  }

  /** Put rows into an input: those from `first` on, as many as fit; how many these are. */
  fill([at, , column, size], numbers, first) {
    const rows = Math.min(this.table.rows, numbers.length / size - first);
    const memory = this.memory.array;
    for (let r = 0; r < rows; r++) {
      for (let j = 0; j < size; j++) memory[at + j * column + r] = numbers[(first + r) * size + j];
    }
    return rows;
  }

  run(rows) {
    this.memory.array[this.table.B] = rows;
    this.machine.run(this.memory, this.code, this.count, rows);
  }

  /** Of a place the numbers of a row. */
  read([at, row, column, n], r) {
    const memory = this.memory.array;
    return Array.from({ length: n }, (_, j) => memory[at + r * row + j * column]);
  }
}

export class Measure extends Forward {
  constructor(machine, test) {
    super(machine, test.table);
    Object.assign(this, { test, n: test.X.length / test.table.x[3] });
  }

  /** Mean loss, and accuracy or null, for these parameters; null where a guard does not hold. */
  of(P) {
    const { X, Y, head, table } = this.test;
    this.parameters = P;
    let loss = 0;
    const counted = [0, 0];
    for (let first = 0; first < this.n; ) {
      const rows = this.fill(table.x, X, first);
      this.fill(table.y, Y, first);
      this.run(rows);
      if (!asTraced(table.guards, this.memory.array, rows)) return null;
      const outputs = [];
      for (let r = 0; r < rows; r++) {
        loss += this.read(table.loss, r)[0];
        outputs.push(...this.read(table.out, r));
      }
      const start = first;
      if (head) rightOf(head, outputs, rows, (k) => start + k).forEach((x, i) => { counted[i] += x; });
      first += rows;
    }
    return [loss / this.n, head ? counted[0] / counted[1] : null];
  }
}
