// A session: from settings to points, net, training, lens and maps; what a change restarts, what goes on.
//
// It knows nothing of the page. What was done since the start stands in `done`, so that `code.mjs` can write
// the Python that does it again: each run of epochs begins with a new optimizer and a new shuffle, as `fit` does.

import { Training } from "../../export/page/run/training.mjs";
import { pointsOf, rowsOf, splitOf } from "./data.mjs";
import { Lens, Maps } from "./lens.mjs";
import { planOf } from "./net.mjs";
import { changed, DEFAULTS, kindOf, lossesFor, RUNNING } from "./state.mjs";

export class Session {
  constructor(machine, parts, changes = {}) {
    Object.assign(this, { machine, parts, grid: null });
    this.start(changed(parts, DEFAULTS, changes));
  }

  /** Change settings. Throws a RangeError, the session then being as it was. */
  change(changes) {
    const state = changed(this.parts, this.state, changes);
    if (!Object.keys(changes).every((name) => RUNNING.includes(name))) {
      this.start(state);
      return;
    }
    this.settle();
    const past = this.training.snapshot();
    this.state = state;
    this.build(true);
    this.training.resume({ ...past, rate: state.rate }, { optimizer: false, shuffle: false });
    this.fresh = true;
  }

  /** The same points and first weights again. */
  reset() {
    this.start(this.state);
  }

  start(state) {
    const { n, noise, seed } = state;
    const data = state.data === "own" ? state.own : pointsOf(state.data, n, noise, seed, state.classes);
    const classes = data.classes === null ? 0 : Math.max(...data.classes) + 1;
    const groups = data.classes ?? data.points.map(() => 0);
    const offered = lossesFor(this.parts, classes);
    const loss = offered.includes(state.loss) ? state.loss : offered[0];
    const split = state.share > 0
      ? splitOf(groups, state.share, state.seed)
      : { train: groups.map((_, k) => k), test: [] };
    const head = this.parts.heads[loss][kindOf(classes)];
    Object.assign(this, { state, data, classes, split, head, loss: head.end.split(" ")[0], done: [] });
    this.build(false);
  }

  /** The net as `linkedNet` takes it. */
  get net() {
    const { features, hidden, activations, optimizer, penalty, strength, dropout } = this.state;
    const outputs = this.head.units === 1 ? 1 : this.classes;
    return {
      sizes: [features.length, ...hidden, outputs], activations, end: this.head.end, optimizer, strength,
      penalty: penalty === "none" ? null : penalty, dropout: hidden.length ? dropout : 0,
    };
  }

  /** Training, lens and maps of the net as it is, with its first weights; masks go on where training does. */
  build(goesOn) {
    const { machine, parts, net, state, split } = this;
    machine.clear();
    const { X, Y, head } = this.examples(split.train);
    const test = split.test.length ? this.examples(split.test) : null;
    const plan = planOf(parts, net, X, Y, {
      head, test, size: state.batch, rate: state.rate,
      seed: state.start ?? state.seed, shuffle: state.seed, masks: state.seed + 1,
    });
    const drawn = goesOn && this.training.masks?.generators;
    this.training = new Training(machine, plan);
    if (drawn) this.training.masks.generators = drawn;
    this.lens = new Lens(machine, parts, net);
    this.maps = this.grid && new Maps(machine, parts, net, rowsOf(this.grid, state.features));
    this.fresh = true;
  }

  /** Rows, targets and classes of points, by their numbers; a function has no classes. */
  examples(numbers) {
    const { data, state, head } = this;
    const points = numbers.map((k) => data.points[k]);
    if (data.classes === null) {
      return { X: rowsOf(points, state.features), Y: points.map((point) => point.at(-1)), head: null };
    }
    const wanted = numbers.map((k) => data.classes[k]);
    return {
      X: rowsOf(points, state.features),
      Y: wanted.map((c) => (head.units === 1 && c === 0 ? head.low : c)),
      head: { ...head, units: head.units === 1 ? 1 : this.classes, wanted },
    };
  }

  /** The points at which maps are wanted, [x1, x2] each: then there is `maps`. */
  watch(points) {
    this.grid = points;
    this.maps = new Maps(this.machine, this.parts, this.net, rowsOf(points, this.state.features));
  }

  /** Before something is trained: after a change as `fit` begins, and noted for the program. */
  begin() {
    if (!this.fresh) return;
    this.training.again();
    this.fresh = false;
    this.done.push({ state: this.state, epochs: 0, from: this.training.epoch });
  }

  /** End an epoch that was begun: what is done is whole epochs, which a program can do again. */
  settle() {
    if (this.training.batch > 0) this.training.step(1);
  }

  /** So many epochs; false where a step has failed. */
  step(epochs = 1) {
    this.begin();
    return this.training.step(epochs);
  }

  /** At most so many batches, as `Training.advance`, for a player. */
  advance(batches = 1) {
    this.begin();
    return this.training.advance(batches);
  }

  /** Give a parameter a number, by its name; training then goes on with a new optimizer. */
  put(name, number) {
    const { training, done } = this;
    training.check(name, number);
    this.settle();
    training.set(name, number);
    const last = done.at(-1);
    if (last?.put?.name === name) last.put.number = number;
    else done.push({ put: { name, number }, from: training.epoch });
    this.fresh = true;
  }

  /** All numbers of the pass of a point [x1, x2] with a class, or with a target y: see `Lens.trace`. */
  trace(point, label) {
    const { head, state, lens, training } = this;
    const y = this.classes && head.units === 1 && label === 0 ? head.low : label;
    return lens.trace(training.vector("P"), rowsOf([point], state.features), y);
  }

  get batches() { return this.training.batches; }

  get batch() { return this.training.batch; }

  get failed() { return this.training.failed; }
}
