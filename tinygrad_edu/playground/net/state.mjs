// The settings of the page: their defaults, what each may be, and the link that holds them.

import { COUNTED, FEATURES, FUNCTIONS, SETS, SURFACES } from "./data.mjs";

export const MOST_LAYERS = 6;
export const MOST_UNITS = 8;
export const MOST_POINTS = 1000;
export const MOST_CLASSES = 10;

/**
 * What is chosen at first; `own` are the user's points, {points, classes, names}, where data is "own". Classes are
 * null where the points are [x, y] or [x1, x2, y] of a function. `seed` is that of points, split and shuffling,
 * `start` that of the first weights, the same one if it is null; `classes` counts them where one can choose.
 */
export const DEFAULTS = Object.freeze({
  data: "moons", n: 300, noise: 0.2, share: 0.3, seed: 0, start: null, classes: 3, own: null,
  features: ["x1", "x2"], hidden: [8, 8], activations: ["tanh", "tanh"],
  loss: "cross_entropy", optimizer: "adam", rate: 0.01, batch: 10, penalty: "none", strength: 0.001, dropout: 0,
});

/** Settings that leave weights and history as they are; with any other training starts anew. */
export const RUNNING = Object.freeze(["optimizer", "rate", "batch", "penalty", "strength"]);

/** What is learned from so many classes: "two", "several", or "numbers" where there are none. */
export const kindOf = (classes) => (classes > 2 ? "several" : classes ? "two" : "numbers");

/** Losses of the page for so many classes, 0 for numbers: those with a head in the parts. */
export function lossesFor(parts, classes) {
  return Object.keys(parts.heads).filter((loss) => parts.heads[loss][kindOf(classes)]);
}

const within = (least, most) => (x) => typeof x === "number" && x >= least && x <= most;
const whole = (least, most) => (x) => Number.isInteger(x) && x >= least && x <= most;
const among = (names) => (x) => names.includes(x);
const listOf = (check, least, most) => (x) => (
  Array.isArray(x) && x.length >= least && x.length <= most && x.every((entry) => check(entry)));

/** Whether a value of each setting is fine by itself. */
function checksOf(parts) {
  const units = Object.keys(parts.hidden);
  return {
    data: among([...Object.keys({ ...SETS, ...FUNCTIONS, ...SURFACES }), "own"]),
    n: whole(4, MOST_POINTS), noise: within(0, 10), share: within(0, 0.9),
    seed: whole(0, 2 ** 32 - 1),
    start: (x) => x === null || whole(0, 2 ** 32 - 1)(x), classes: whole(2, MOST_CLASSES),
    own: (x) => x === null || isOwn(x),
    features: (x) => listOf(among(Object.keys(FEATURES)), 1, 7)(x) && new Set(x).size === x.length,
    hidden: listOf(whole(1, MOST_UNITS), 0, MOST_LAYERS), activations: listOf(among(units), 0, MOST_LAYERS),
    loss: among(Object.keys(parts.heads)), optimizer: among(Object.keys(parts.optimizers)),
    rate: (x) => within(0, 1000)(x) && x > 0, batch: (x) => x === null || whole(1, MOST_POINTS)(x),
    penalty: among(["none", ...Object.keys(parts.penalties)]), strength: within(0, 1000), dropout: within(0, 0.9),
  };
}

function isOwn({ points, classes, names }) {
  const width = classes === null && points?.[0]?.length === 3 ? 3 : 2;
  const finite = (point) => Array.isArray(point) && point.length === width && point.every(Number.isFinite);
  const fine = listOf(finite, 2, MOST_POINTS)(points) && Array.isArray(names);
  return fine && (classes === null || listOf(whole(0, MOST_CLASSES - 1), points.length, points.length)(classes));
}

/** What is learned: "classes" of points, a "curve" (a function of one number) or a "surface" (one of two). */
export function learnedBy({ data, own }) {
  if (data === "own" ? own === null || own.classes !== null : Object.hasOwn(SETS, data)) return "classes";
  return (data === "own" ? own.points[0].length === 3 : Object.hasOwn(SURFACES, data)) ? "surface" : "curve";
}

/** Whether the data have a number of classes that can be chosen. */
export const isCounted = ({ data }) => Object.hasOwn(COUNTED, data);

/** The state with these changes. Throws a RangeError that names the setting, the state then being as it was. */
export function changed(parts, state, changes) {
  const checks = checksOf(parts);
  for (const [name, value] of Object.entries(changes)) {
    if (!Object.hasOwn(checks, name)) throw new RangeError(`no setting is called ${name}`);
    if (!checks[name](value)) throw new RangeError(`${name} cannot be ${JSON.stringify(value)}`);
  }
  const next = { ...state, ...changes };
  const layers = next.hidden.length;
  if (!changes.activations && next.activations.length !== layers) { // a new layer is like the last one
    const last = next.activations.at(-1) ?? "tanh";
    next.activations = Array.from({ length: layers }, (_, l) => next.activations[l] ?? last);
  }
  if (next.activations.length !== layers) throw new RangeError(`${layers} hidden layers need as many activations`);
  if (next.data === "own" && !next.own) throw new RangeError('data "own" needs points');
  if (learnedBy(next) === "curve") {
    const features = next.features.filter((name) => !name.includes("x2"));
    next.features = features.length ? features : ["x1"];
  }
  return Object.freeze(next);
}

/** Settings that differ from the defaults, for the fragment of an address; the user's points are not in it. */
export function toLink(state) {
  const pairs = Object.entries(DEFAULTS).filter(([name, usual]) => (
    name !== "own" && String(state[name]) !== String(usual) && !(name === "data" && state.data === "own")));
  return new URLSearchParams(pairs.map(([name]) => [name, [state[name] ?? "all"].flat().join(" ")])).toString();
}

/** The settings that a fragment holds, each checked; what is unknown or wrong is left out. */
export function fromLink(parts, fragment) {
  const checks = checksOf(parts);
  const found = {};
  for (const [name, text] of new URLSearchParams(fragment.replace(/^#/, ""))) {
    if (!Object.hasOwn(DEFAULTS, name) || name === "own") continue;
    const usual = DEFAULTS[name];
    const words = text === "" ? [] : text.split(" ");
    const read = (word) => (typeof usual === "number" || usual === null || name === "hidden" ? Number(word) : word);
    let value = Array.isArray(usual) ? words.map(read) : read(text);
    if (name === "batch" && text === "all") value = null;
    if (checks[name](value) && value !== "own") found[name] = value;
  }
  return found;
}
