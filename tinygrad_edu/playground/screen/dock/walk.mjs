// The walk through the pass of one example: forward unit by unit, the loss, backward unit by unit. It knows
// what has been computed so far, and, where signs are guessed first, what may be shown.

import { clamp } from "../elements.mjs";

export class Walk {
  /** `sizes` of the net, inputs included; layers count from 0, the inputs. */
  constructor(sizes) {
    this.depth = sizes.length - 1;
    const layers = sizes.map((_, layer) => layer).slice(1);
    const unitsOf = (kind, layer) => Array.from({ length: sizes[layer] }, (_, unit) => ({ kind, layer, unit }));
    this.steps = [
      { kind: "x", layer: 0 },
      ...layers.flatMap((layer) => unitsOf("forward", layer)),
      { kind: "loss" },
      ...[...layers].reverse().flatMap((layer) => unitsOf("backward", layer)),
    ];
    this.numberOf = new Map(this.steps.map(({ kind, layer, unit }, k) => [`${kind} ${layer} ${unit}`, k]));
    this.lossAt = this.steps.findIndex(({ kind }) => kind === "loss");
    Object.assign(this, { walking: false, guessing: false, guesses: new Map() });
    this.toEnd();
  }

  toEnd() {
    Object.assign(this, { at: this.steps.length - 1, walking: false });
  }

  go(k) {
    Object.assign(this, { at: clamp(Math.round(k), 0, this.steps.length - 1), walking: true });
  }

  /** Where it is while it walks; null where all is shown. */
  get step() {
    return this.walking ? this.steps[this.at] : null;
  }

  whenForward(layer, unit) {
    return this.numberOf.get(`forward ${layer} ${unit}`);
  }

  whenBackward(layer, unit) {
    return this.numberOf.get(`backward ${layer} ${unit}`);
  }

  knowsValue(layer, unit) {
    return layer === 0 || this.at >= this.whenForward(layer, unit);
  }

  get knowsLoss() {
    return this.at >= this.lossAt;
  }

  /** The pass has come there, whether or not the sign was guessed. */
  reached(layer, unit) {
    return this.at >= this.whenBackward(layer, unit);
  }

  knowsDelta(layer, unit) {
    return this.reached(layer, unit) && (!this.guessing || this.guesses.has(`${layer} ${unit}`));
  }

  /** Begin or end the game: all deltas are hidden, the first one is asked for. */
  guess(on) {
    Object.assign(this, { guessing: on, guesses: new Map() });
    if (on) this.go(this.whenBackward(this.depth, 0));
  }

  /** Another example, or other weights: all is to be guessed anew. */
  forget() {
    this.guesses = new Map();
  }

  /** What was said of a sign: true, false, or null where it was shown; undefined if nothing. */
  said(layer, unit) {
    return this.guesses.get(`${layer} ${unit}`);
  }

  /** Answer for a unit that is asked for; `sign` is -1, 0, 1, or null to be shown it. */
  answer(layer, unit, sign, delta) {
    if (this.knowsDelta(layer, unit) || !this.reached(layer, unit)) return;
    this.guesses.set(`${layer} ${unit}`, sign === null ? null : sign === Math.sign(delta));
  }

  /** [right, all] of the signs that were guessed. */
  get score() {
    const told = [...this.guesses.values()].filter((right) => right !== null);
    return [told.filter(Boolean).length, told.length];
  }

  /** The number of the first step whose delta has not been guessed. */
  get open() {
    return this.steps.findIndex(
      ({ kind, layer, unit }) => kind === "backward" && !this.guesses.has(`${layer} ${unit}`),
    );
  }
}
