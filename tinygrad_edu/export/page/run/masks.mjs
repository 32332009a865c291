// The masks of dropout, which a step needs in its arena: drawn as Python draws them, example by example.

import { Generator } from "./generator.mjs";

export class Masks {
  /**
   * `plan`: the state of each generator (625 words); then for each number of a mask, in the order in which they are
   * drawn, its place in the arena for the first example, the generator it is drawn by, and the probability of 0.
   */
  constructor(plan) {
    this.plan = plan;
    this.reset();
  }

  reset() {
    this.generators = this.plan.generators.map((words) => Generator.of(words));
  }

  /** The masks of so many examples. */
  fill(memory, rows) {
    const { places, sources, p } = this.plan;
    for (let r = 0; r < rows; r++) {
      places.forEach((at, k) => {
        memory[at + r] = this.generators[sources[k]].random() < p[k] ? 0 : 1 / (1 - p[k]);
      });
    }
  }
}
