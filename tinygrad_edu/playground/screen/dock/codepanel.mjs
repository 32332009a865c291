// The code that gives this state again, in Python, and the same passes in NumPy.

import { codeOf } from "../../net/code.mjs";
import { numpyOf } from "../../net/numpy.mjs";
import { copyText, element } from "../elements.mjs";
import { halves } from "./panel.mjs";

/** The program that gives this state again; own points of classes are read, or standardised, by `points`. */
export function programOf({ session, ui, kind }) {
  const { points, classes } = session.data;
  const read = ui.file ? `points(${JSON.stringify(ui.file)})` : "points(X, y)";
  if (kind === "classes" && !ui.drawing) return codeOf(session, read);
  const [X, y] = classes ? [points, classes] : [points.map((p) => p.slice(0, -1)), points.map((p) => p.at(-1))];
  return codeOf(session, `(${[X, y].map((list) => JSON.stringify(list).replaceAll(",", ", ")).join(", ")})`);
}

export function codePanel(app) {
  const { session } = app;
  return halves(
    "code",
    block("Python: this state again", programOf(app), "python"),
    block("NumPy: the same passes as arrays", numpyOf(session).replace(/\n{3,}/g, "\n\n"), "numpy"),
  );
}

/** A text with its name and a button; each line is an element, so that what is broken off is moved in. */
function block(title, text, key) {
  const lines = text.split("\n").map((line) => element("span", { class: "line" }, `${line}\n`));
  const copied = () => copyText(text, copy);
  const copy = element("button", { class: "b small", "data-key": `copy ${key}`, onclick: copied }, "Copy");
  return element(
    "div",
    { class: "half" },
    element("div", { class: "row" }, element("h3", {}, title), copy),
    element("pre", { id: `code-${key}`, tabindex: 0 }, lines),
  );
}
