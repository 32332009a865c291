// A descent: epochs and batches on the machine, as `fit` makes them, with the same shuffles.
//
// What is trained is a plan, plain data that Python has written or `linker.mjs` has made:
//   X, Y         numbers of all examples, row by row; n examples
//   size         examples of a batch
//   generator    the state of Python's generator that shuffles (625 words), null if nobody does
//   phases       tables: {code, fields, arena, contents, states}; the first makes one step where the
//                optimizer has no state before it, the last all others
//   states       what the optimizer's states are at first, null for one that is not there yet
//   parameters   the vector P at first; names and places (in P) of those that people know
//   rate, updates   of the optimizer: the learning rate, the steps that were made before
//   rates        those of a schedule, for each step, or null
//   head         {units, threshold, wanted, weights}: which outputs are right (see `rightOf`), or null
//   test         held-out rows with a table of their own, or null: see `Measure`
//   masks        null, or what dropout draws: see `Masks`
//   guards       comparisons that have to come out as they did, see `asTraced`: looked at after a step
//   reasons      why a step has failed, by the number that the machine gives; then of a guard, of a schedule

import { Masks } from "./masks.mjs";
import { asTraced, Measure, rightOf } from "./measure.mjs";

/** The places in `fields` of a phase, in the order of machine.c. */
export const FIELD = Object.freeze({
  P: 7, G: 8, before: 9, parameters: 10, units: 19, gather: 22, first: 23, steps: 24, updates: 25,
});

const PARAMETER = 3; // the reason that an update gives; the other two come before it
const GUARD = 4;
const SCHEDULE = 5;

export class Training {
  constructor(machine, plan) {
    Object.assign(this, { machine, plan });
    this.n = plan.X.length / plan.phases[0].fields[12];
    this.batches = Math.ceil(this.n / plan.size);
    this.phases = plan.phases.map((phase) => ({
      ...phase,
      memory: machine.arena(phase.arena, phase.contents),
      table: machine.integers(phase.code),
      places: machine.integers(phase.fields),
    }));
    this.X = machine.region(plan.X.length).set(plan.X);
    this.Y = machine.region(plan.Y.length).set(plan.Y);
    this.state = plan.generator && machine.region(625, Uint32Array);
    this.order = machine.integers(Array.from({ length: this.n }, (_, k) => k));
    this.chosen = machine.region(this.n, BigInt64Array);
    this.rates = machine.region(this.batches);
    this.batchLosses = machine.region(this.batches);
    this.outputs = machine.region(this.n * plan.phases[0].fields[FIELD.units]);
    this.made = machine.region(1, BigInt64Array);
    this.measure = plan.test && new Measure(machine, plan.test);
    this.masks = plan.masks && new Masks(plan.masks);
    this.index = new Map(plan.names.map((name, k) => [name, k]));
    this.reset();
  }

  /** The parameters, the shuffles and everything else as they were at first. */
  reset() {
    const { plan } = this;
    for (const name of ["losses", "accuracies", "testLosses", "testAccuracies"]) this[name] = [];
    Object.assign(this, { phase: 0, batch: 0, rate: plan.rate, updates: plan.updates, failed: null });
    this.schedule = plan.rates;
    this.state?.set(plan.generator);
    this.masks?.reset();
    this.order.set(Array.from({ length: this.n }, (_, k) => BigInt(k)));
    this.vector("P").set(plan.parameters);
    this.vector("before").set(plan.parameters);
    this.vector("G").fill(0);
    plan.states.forEach((numbers, k) => numbers && this.stateVector(this.now, k).set(numbers));
  }

  /** All that has become so far, as plain data, for `resume` of another training, such as one that follows. */
  snapshot() {
    const { losses, accuracies, testLosses, testAccuracies, rate, updates, phase, now } = this;
    return {
      histories: { losses, accuracies, testLosses, testAccuracies }, rate, updates, phase,
      vectors: Object.fromEntries(["P", "G", "before"].map((name) => [name, this.vector(name).slice()])),
      states: now.states.map((at, k) => (at === null ? null : this.stateVector(now, k).slice())),
      generator: this.state && this.state.array.slice(), order: this.order.array.slice(),
    };
  }

  /**
   * Go on from a snapshot of a training with as many parameters: with its optimizer's states too where that
   * is the same, and with its shuffles where it has as many examples.
   */
  resume(past, { optimizer = true, shuffle = optimizer } = {}) {
    for (const [name, numbers] of Object.entries(past.histories)) this[name] = [...numbers];
    Object.assign(this, { batch: 0, rate: past.rate });
    if (optimizer) Object.assign(this, { phase: past.phase, updates: past.updates });
    for (const [name, numbers] of Object.entries(past.vectors)) this.vector(name).set(numbers);
    if (optimizer) past.states.forEach((numbers, k) => numbers && this.stateVector(this.now, k).set(numbers));
    if (shuffle && past.order.length === this.n) this.order.set(past.order);
    if (shuffle && this.state && past.generator) this.state.set(past.generator);
  }

  /** As `fit` begins: optimizer and shuffles as at first; parameters, history, rate and masks stay. */
  again() {
    const { masks } = this;
    const past = this.snapshot();
    this.masks = null;
    this.reset();
    this.masks = masks;
    this.resume(past, { optimizer: false });
  }

  /** How many epochs are complete. */
  get epoch() {
    return this.losses.length;
  }

  get names() {
    return this.plan.names;
  }

  /** The parameters in the order of `names`; `gradients` are those of the last batch. */
  get parameters() {
    return this.picked("P");
  }

  get gradients() {
    return this.picked("G");
  }

  picked(name) {
    const vector = this.vector(name);
    return Array.from(this.plan.places, (k) => vector[k]);
  }

  get now() {
    return this.phases[this.phase];
  }

  /** The vector P, G or before, in the machine. */
  vector(name) {
    const { memory, fields } = this.now;
    const at = fields[FIELD[name]];
    return memory.array.subarray(at, at + fields[FIELD.parameters]);
  }

  stateVector(phase, k) {
    const at = phase.states[k];
    return phase.memory.array.subarray(at, at + phase.fields[FIELD.parameters]);
  }

  /** Throw an error that says what is wrong unless `set` takes this. */
  check(name, value) {
    if (name !== "lr" && !this.index.has(name)) throw new RangeError(`no parameter is called ${name}; see names`);
    if (typeof value !== "number" || !Number.isFinite(value)) {
      throw new TypeError(`${name} must be a finite number, got ${value}`);
    }
    if (name === "lr" && value <= 0) throw new RangeError(`lr must be above 0, got ${value}`);
  }

  /** Give a parameter a number, or with the name "lr" the learning rate. */
  set(name, value) {
    this.check(name, value);
    if (name === "lr") {
      Object.assign(this, { rate: value, schedule: null });
      return;
    }
    const place = this.plan.places[this.index.get(name)];
    this.vector("P")[place] = this.vector("before")[place] = value;
    this.failed = null;
  }

  /** So many epochs, the rest of one that was begun counting as one; false where one has failed. */
  step(epochs = 1) {
    for (let k = 0; k < epochs; k++) {
      while (!this.advance(this.batches - this.batch));
      if (this.failed) return false;
    }
    return true;
  }

  /** At most so many batches of this epoch; whether the epoch is complete, or a step has failed. */
  advance(batches = 1) {
    if (this.batch === 0) this.begin();
    const { machine, now, plan } = this;
    const single = this.phase < this.phases.length - 1 || plan.guards.length > 0 || this.masks;
    const wanted = single ? 1 : Math.min(batches, this.batches - this.batch);
    const rates = this.ratesOf(wanted);
    const steps = rates.length;
    if (!steps) return this.fail(SCHEDULE);
    this.rates.array.set(rates);
    this.masks?.fill(now.memory.array, this.rowsOf(this.batch));
    now.places.array.set([this.batches > 1, this.batch, steps, this.updates].map(BigInt), FIELD.gather);
    const why = machine.train(
      now.memory, now.table, now.places, this.X, this.Y, this.chosen, this.rates,
      this.batchLosses, this.outputs, this.made,
    );
    const made = Number(this.made.array[0]);
    this.updates += made;
    this.batch += made;
    if (why) return this.fail(why);
    if (!asTraced(plan.guards, now.memory.array, this.rowsOf(this.batch - 1))) return this.fail(GUARD);
    if (this.phase < this.phases.length - 1) this.toNextPhase();
    if (this.batch < this.batches) return false;
    return this.end();
  }

  /** The rates of the next steps; fewer than are wanted where a schedule ends. */
  ratesOf(steps) {
    if (!this.schedule) return new Float64Array(steps).fill(this.rate);
    const start = this.updates - this.plan.updates;
    const rates = this.schedule.subarray(start, start + steps);
    this.rate = rates.at(-1) ?? this.rate;
    return rates;
  }

  /** How many examples the batch of that number has. */
  rowsOf(batch) {
    return Math.min(this.plan.size, this.n - batch * this.plan.size);
  }

  begin() {
    this.failed = null;
    if (this.state) this.machine.shuffle(this.state, this.order, this.chosen);
    else this.chosen.set(this.order.array);
  }

  /** The epoch is complete: note what it has measured; true. */
  end() {
    const { plan, n } = this;
    this.batch = 0;
    this.losses.push(this.batchLosses.array.reduce((sum, x, k) => sum + x * (this.rowsOf(k) / n), 0));
    if (plan.head) {
      const order = this.chosen.array;
      const [right, all] = rightOf(plan.head, this.outputs.array, n, (k) => Number(order[k]));
      this.accuracies.push(right / all);
    }
    if (this.measure) {
      const measured = this.measure.of(this.vector("P"));
      if (measured === null) return this.fail(GUARD);
      this.testLosses.push(measured[0]);
      if (measured[1] !== null) this.testAccuracies.push(measured[1]);
    }
    return true;
  }

  /** The parameters are again the last ones with a finite loss. */
  fail(why) {
    this.failed = this.plan.reasons[why];
    if (why === PARAMETER) this.updates += 1;
    this.vector("P").set(this.vector("before"));
    this.batch = 0;
    return true;
  }

  /** The optimizer has made its states: from now on the table that reads them. */
  toNextPhase() {
    const before = this.now;
    const vectors = ["P", "G", "before"].map((name) => [name, this.vector(name).slice()]);
    this.phase += 1;
    for (const [name, numbers] of vectors) this.vector(name).set(numbers);
    before.states.forEach((at, k) => {
      if (at !== null) this.stateVector(this.now, k).set(this.stateVector(before, k));
    });
  }
}
