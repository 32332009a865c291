// What the panels of the lens are made of: halves, formulas, tables of terms.

import { element } from "../elements.mjs";
import { numeral, toneOf } from "../symbols.mjs";

export const equation = (...children) => element("div", { class: "eq" }, ...children);

export const quiet = (...children) => element("div", { class: "eq soft" }, ...children);

/** A half of the dock; `state` is "hot" where it is computed now, "off" where it waits. */
export function half(title, state, ...children) {
  return element("div", { class: `half ${state}` }, element("h3", {}, title), ...children);
}

export const halves = (kind, ...parts) => element("div", { class: `halves ${kind}` }, ...parts);

export const action = (text, onclick, given = {}) =>
  element("button", { class: "b ring", onclick, ...given }, text);

/** A table of terms: one column for each index, one row for each factor, [name, cells, class] each. */
export function terms(corner, heads, rows) {
  return element(
    "table",
    { class: heads.length > 7 ? "tab many" : "tab" },
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        element("th", {}, corner),
        heads.map((head) => element("th", { scope: "col" }, head)),
      ),
    ),
    element(
      "tbody",
      {},
      rows.map(([name, cells, kind]) =>
        element(
          "tr",
          { class: kind ?? "" },
          element("th", { scope: "row" }, name),
          cells.map((cell) => element("td", {}, cell)),
        ),
      ),
    ),
  );
}

/** A weight of a table: the way to it by keyboard. */
export function weightButton(app, layer, unit, k) {
  const weight = app.weightOf({ layer, unit, k });
  return element(
    "button",
    {
      "data-key": `w ${layer} ${unit} ${k}`,
      "aria-label": `weight ${numeral(weight)}`,
      onclick: () => app.select({ kind: "weight", layer, unit, k }),
    },
    numeral(weight),
  );
}

export const signed = (x) => element("b", { class: toneOf(x) }, numeral(x));
