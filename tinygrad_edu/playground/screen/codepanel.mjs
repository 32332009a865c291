// The code that gives this state again, in Python, and the same passes in NumPy.

import { codeOf } from "../net/code.mjs";
import { numpyOf } from "../net/numpy.mjs";
import { element } from "./elements.mjs";
import { halves } from "./panel.mjs";

export function codePanel(app) {
  const { session, ui } = app;
  const own = ui.file ? `points(${JSON.stringify(ui.file)})` : "points(X, y)";
  return halves(
    "code",
    block(app, "Python: this state again", codeOf(session, own), "python"),
    block(app, "NumPy: the same passes as arrays", numpyOf(session).replace(/\n{3,}/g, "\n\n"), "numpy"),
  );
}

/** A text with its name and a button; each line is an element, so that what is broken off is moved in. */
function block(app, title, text, key) {
  const lines = text.split("\n").map((line) => element("span", { class: "line" }, `${line}\n`));
  const copied = () => app.copy(text, copy);
  const copy = element("button", { class: "b small", "data-key": `copy ${key}`, onclick: copied }, "Copy");
  return element(
    "div",
    { class: "half" },
    element("div", { class: "row" }, element("h3", {}, title), copy),
    element("pre", { id: `code-${key}`, tabindex: 0 }, lines),
  );
}
