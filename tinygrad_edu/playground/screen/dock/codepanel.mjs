// The code that gives this state again, in Python, and the same passes in NumPy.

import { codeOf } from "../../net/code.mjs";
import { numpyOf } from "../../net/numpy.mjs";
import { copyText, element } from "../elements.mjs";
import { halves } from "./panel.mjs";

export function codePanel(app) {
  const { session, ui } = app;
  const own = ui.file ? `points(${JSON.stringify(ui.file)})` : "points(X, y)";
  return halves(
    "code",
    block("Python: this state again", codeOf(session, own), "python"),
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
