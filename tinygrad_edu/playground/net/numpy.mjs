// The net of a session in NumPy, forward and backward, as `vectorize` prints it: lines with open numbers of layers
// are put together here, {p} for the layer before, {l} for the layer itself, {n} for the next.

/** What a layer gives is called Z where it has no activation line of its own. */
function outputOf(part, l) {
  return part.numpy.forward.some((line) => line.startsWith("A{l} =")) ? `A${l}` : `Z${l}`;
}

/** The text: imports, helpers, and a function of X, Y and the parameters that gives mean loss and gradients. */
export function numpyOf({ net, parts }) {
  const { sizes, activations, end } = net;
  const last = sizes.length - 1;
  const layers = [...activations.map((kind) => parts.hidden[kind]), parts.ends[end]];
  const helpers = [...new Set(layers.flatMap((part) => part.numpy.helpers))];
  const forward = [], backward = [];
  layers.forEach((part, k) => {
    const l = k + 1;
    const x = k ? outputOf(layers[k - 1], k) : "X";
    const numbers = { l, n: l + 1, N: sizes[last] };
    const written = (line) => line.replace(/\b[AZ]\{p\}|\bX\b/g, x).replace(/\{(\w)\}/g, (_, key) => numbers[key]);
    forward.push(...part.numpy.forward.map(written));
    const zeros = [["delta", "Z"], ["dW", "W"], ["db", "b"]].map(([d, of]) => `${d}${l} = np.zeros_like(${of}${l})`);
    backward.unshift(...(part.numpy.backward.length ? part.numpy.backward.map(written) : zeros));
  });
  const numbered = (...letters) => layers.flatMap((_, k) => letters.map((letter) => `${letter}${k + 1}`)).join(", ");
  const left = [net.penalty && `the penalty ${net.penalty}`, net.dropout && "dropout"].filter(Boolean);
  return [
    ...(helpers.some((text) => text.includes("math.")) ? ["import math", ""] : []),
    "import numpy as np", "",
    ...helpers.flatMap((text) => ["", text, ""]), "",
    `def loss_and_gradients(X, Y, ${numbered("W", "b")}):${left.length ? `  # without ${left.join(" and ")}` : ""}`,
    "    B = len(X)", "",
    ...forward.map((line) => `    ${line}`), "",
    ...backward.map((line) => `    ${line}`),
    `    return L.mean(), ${numbered("dW", "db")}`, "",
  ].join("\n");
}
