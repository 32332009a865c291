// The program in Python that gives the state of a session again, to the last digits.

import { COUNTED, FUNCTIONS, SURFACES } from "./data.mjs";
import { DEFAULTS, isCounted, learnedBy } from "./state.mjs";

const python = (x) => (Array.isArray(x) ? `[${x.map(python).join(", ")}]` : JSON.stringify(x));

/** The lines: imports, data, net, and what was done; `own` is what makes the user's points in Python. */
export function codeOf(session, own = "points(X, y)") {
  const { training, done } = session;
  const lines = [...dataLines(session, own), ...netLines(session)];
  const ends = [...done.slice(1).map(({ from }) => from), training.epoch];
  done.forEach((act, k) => {
    const epochs = ends[k] - act.from;
    if (act.put) lines.push(`net.parameters()[${training.names.indexOf(act.put.name)}].data = ${act.put.number}`);
    else if (epochs > 0) lines.push(fitLine(session, act.state, epochs));
  });
  return [...imports(lines.join("\n")), ...lines].join("\n");
}

function dataLines({ state, parts }, own) {
  const { data, n, noise, share, seed, classes } = state;
  const kind = learnedBy(state);
  if (kind !== "classes") {
    const [formula] = { ...FUNCTIONS, ...SURFACES }[data] ?? [];
    const names = kind === "curve" ? ["x"] : ["x1", "x2"];
    const made = data === "own" ? [`X, y = ${own}`] : [
      `rng = Random(${seed})`,
      `X = [[${names.map(() => "rng.uniform(-1, 1)").join(", ")}] for _ in range(${n})]`,
      `y = [(${formula}) + rng.gauss(0, ${noise}) for [${names.join(", ")}] in X]`,
    ];
    const split = `X, y, X_test, y_test = train_test_split(X, y, test_size=${share}, stratify=False, rng=${seed})`;
    return share === 0 ? made : [...made, split];
  }
  const count = isCounted(state) && classes !== DEFAULTS.classes ? `${COUNTED[data]}=${classes}, ` : "";
  const source = data === "own" ? own : `${data}(${n}, ${count}${parts.sets[data]}=${noise}, rng=${seed})`;
  if (share === 0) return [`X, y = ${source}`];
  return [`X, y, X_test, y_test = train_test_split(*${source}, test_size=${share}, rng=${seed})`];
}

function netLines({ net, state }) {
  const output = net.end.split(" ")[1];
  const { sizes, activations } = net;
  const first = state.start ?? state.seed;
  if (net.dropout) {
    const layers = sizes.slice(1).map((units, l) => {
      const layer = `Layer(${sizes[l]}, ${units}, "${activations[l] ?? output}", rng=rng)`;
      return l < activations.length ? `${layer}, Dropout(${net.dropout}, rng=masks)` : layer;
    });
    return [`rng, masks = Random(${first}), Random(${state.seed + 1})`, `net = Sequential(${layers.join(", ")})`];
  }
  const same = new Set(activations).size === 1;
  const hidden = activations.length ? `, ${python(same ? activations[0] : activations)}` : "";
  const last = output === "linear" ? "" : `, output="${output}"`;
  return [`net = MLP(${sizes[0]}, ${python(sizes.slice(1))}${hidden}${last}, rng=${first})`];
}

function fitLine(session, state, epochs) {
  const { loss, head, training } = session;
  const X = rowsLine(state);
  const y = head.low < 0 ? "[2 * c - 1 for c in y]" : "y";
  const made = session.parts.optimizers[state.optimizer].code.replace("LR", state.rate);
  const options = [`loss="${loss}"`, `optimizer=lambda p: ${made}`, `epochs=${epochs}`];
  if (state.batch !== null && state.batch < training.n) options.push(`batch_size=${state.batch}`);
  if (state.penalty !== "none") {
    options.push(`penalty=lambda net: ${state.penalty}(net.parameters(), ${state.strength})`);
  }
  return `fit(net, ${X}, ${y}, ${options.join(", ")}, rng=${state.seed})`;
}

function rowsLine(state) {
  const { features } = state;
  if (learnedBy(state) === "curve") {
    const terms = features.map((name) => name.replaceAll("x1", "x")).join(", ");
    return terms === "x" ? "X" : `[[${terms}] for [x] in X]`;
  }
  return String(features) === String(DEFAULTS.features) ? "X" : `features(X, ${python(features)})`;
}

const HOMES = {
  math: ["cos", "exp", "hypot", "pi", "sin"],
  random: ["Random"],
  tinygrad_edu: [
    "MLP", "Dropout", "Layer", "Sequential", "fit", "train_test_split", "moons", "circles", "spiral", "blobs", "xor",
    "Adagrad", "Adam", "AdamW", "RMSprop", "SGD",
  ],
  "tinygrad_edu.losses": ["l1", "l2"],
  "tinygrad_edu.playground": ["features", "points"],
};

function imports(text) {
  return Object.entries(HOMES).flatMap(([home, names]) => {
    const used = names.filter((name) => new RegExp(name === "pi" ? "\\bpi\\b" : `\\b${name}\\(`).test(text));
    return used.length ? [`from ${home} import ${used.join(", ")}`] : [];
  });
}
