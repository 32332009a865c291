// The code that gives this state again, in Python, and the same passes in NumPy.

import { codeOf } from "../code.mjs";
import { numpyOf } from "../numpy.mjs";
import { element } from "./elements.mjs";
import { halves } from "./panel.mjs";

export function codePanel(app) {
  const { session, ui } = app;
  const own = ui.file ? `points(${JSON.stringify(ui.file)})` : "points(X, y)";
  return halves(
    "code",
    block(app, "Python: this state again", codeOf(session, own), "python"),
    block(app, "NumPy: the same passes as arrays", numpyOf(session), "numpy"),
  );
}

function block(app, title, text, key) {
  const copy = element(
    "button",
    { class: "b small", "data-key": `copy ${key}`, onclick: () => app.copy(text, copy) },
    "Copy",
  );
  return element(
    "div",
    { class: "half" },
    element("div", { class: "row" }, element("h3", {}, title), copy),
    element("pre", { id: `code-${key}`, tabindex: 0 }, text),
  );
}
