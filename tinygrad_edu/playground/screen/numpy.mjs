// The passes of the net in NumPy, for all examples at once: text to be read and run.

/** g(Z) and, of Z and A, g'(Z). */
const ACTIVATIONS = {
  tanh: [(z) => `np.tanh(${z})`, (z, a) => `(1 - ${a}**2)`],
  relu: [(z) => `np.maximum(${z}, 0)`, (z) => `(${z} > 0)`],
  sigmoid: [(z) => `1 / (1 + np.exp(-${z}))`, (z, a) => `${a} * (1 - ${a})`],
  linear: [(z) => z, null],
  leaky_relu: [(z) => `np.where(${z} > 0, ${z}, 0.01 * ${z})`, (z) => `np.where(${z} > 0, 1, 0.01)`],
  elu: [(z) => `np.where(${z} > 0, ${z}, np.expm1(${z}))`, (z) => `np.where(${z} > 0, 1, np.exp(${z}))`],
  softplus: [(z) => `np.logaddexp(0, ${z})`, (z) => `1 / (1 + np.exp(-${z}))`],
};

/** The delta of the output for each end: loss and output activation. */
const ENDS = {
  "binary_cross_entropy_with_logits linear": (a) => `(1 / (1 + np.exp(-${a})) - y) / len(X)`,
  "cross_entropy linear": (a) => `(softmax(${a}) - one_hot(y)) / len(X)`,
  "half_squared_error sigmoid": (a) => `(${a} - y) * ${a} * (1 - ${a}) / len(X)`,
  "hinge linear": (a) => `np.where(y * ${a} < 1, -y, 0) / len(X)`,
};

/** The lines of a session's net, or a sentence where an activation has no short form. */
export function numpyOf({ net }) {
  const { activations, end, sizes } = net;
  const kinds = [...activations, end.split(" ")[1]];
  const missing = kinds.find((kind) => !ACTIVATIONS[kind]);
  if (missing) return `# ${missing} is no one line of NumPy: print(vectorize(...).source) shows it all`;
  const depth = kinds.length;
  const value = (l) => (l === 0 ? "X" : kinds[l - 1] === "linear" ? `Z${l}` : `A${l}`);
  const forward = kinds.map((kind, l) => {
    const z = `Z${l + 1} = ${value(l)} @ W${l + 1}.T + b${l + 1}`;
    return kind === "linear" ? z : `${z};  A${l + 1} = ${ACTIVATIONS[kind][0](`Z${l + 1}`)}`;
  });
  const backward = [`delta${depth} = ${ENDS[end](value(depth))}`];
  for (let l = depth - 1; l > 0; l--) {
    const slope = ACTIVATIONS[kinds[l - 1]][1];
    const sum = `delta${l + 1} @ W${l + 1}`;
    backward.push(`delta${l} = ${slope ? `(${sum}) * ${slope(`Z${l}`, `A${l}`)}` : sum}`);
  }
  const gradients = kinds.map(
    (_, l) => `dW${l + 1} = delta${l + 1}.T @ ${value(l)};  db${l + 1} = delta${l + 1}.sum(0)`,
  );
  const note = `# X: ${sizes[0]} columns; W1: ${sizes[1]} rows`;
  return [note, ...forward, ...backward, ...gradients].join("\n");
}
