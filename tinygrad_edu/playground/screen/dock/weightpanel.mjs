// The lens on a weight: its value to be changed, its gradient, and the chain rule, path by path.

import { byId, element, fillSlider, renew } from "../elements.mjs";
import { gradientOf, pathsOf } from "./numbers.mjs";
import { equation, half, halves, quiet, signed } from "./panel.mjs";
import { coloured, inBrackets, numberSymbol, numeral, slopeOfLoss, weightSymbol } from "../symbols.mjs";

const MOST_ROWS = 8;

export function weightPanel(app, chosen) {
  const { layer, unit, k } = chosen;
  const weight = app.weightOf(chosen);
  const least = Math.max(4, Math.ceil(Math.abs(weight)));
  const put = (event) => {
    if (event.target.value.trim() !== "") app.setWeight(chosen, Number(event.target.value));
  };
  const source = k === -1 ? "" : `from ${layer === 1 ? `input ${k + 1}` : app.unitName(layer - 1, k)} to `;
  const slider = element("input", {
    type: "range",
    id: "weightSlider",
    "data-key": "slider",
    min: -least,
    max: least,
    step: "any",
    value: weight,
    "aria-label": "Weight",
    oninput: put,
  });
  const title = k === -1 ? `Bias of ${app.unitName(layer, unit)}` : `Weight ${source}${app.unitName(layer, unit)}`;
  fillSlider(slider);
  return halves(
    "weight",
    half(
      title,
      "",
      element(
        "div",
        { class: "edit" },
        element("label", { for: "weightNumber" }, weightSymbol(layer, unit, k)),
        element("input", {
          type: "number",
          id: "weightNumber",
          "data-key": "number",
          step: "0.1",
          value: fourDecimals(weight),
          oninput: put,
        }),
        slider,
      ),
      element("div", { id: "weightText" }, gradientLines(app, chosen)),
    ),
    element("div", { class: "half", id: "weightPaths" }, pathTable(app, chosen)),
  );
}

const fourDecimals = (x) => Number(x.toFixed(4));

/** The same weight with other numbers: number and slider stay, so that a drag is not cut off. */
export function renewWeightPanel(app, chosen) {
  const weight = app.weightOf(chosen);
  const [number, slider] = [byId("weightNumber"), byId("weightSlider")];
  if (document.activeElement !== number) number.value = fourDecimals(weight);
  if (document.activeElement !== slider || !slider.matches(":active")) slider.value = weight;
  fillSlider(slider);
  renew(byId("weightText"), gradientLines(app, chosen));
  renew(byId("weightPaths"), pathTable(app, chosen));
}

function gradientLines(app, chosen) {
  const { layer, unit, k } = chosen;
  const { numbers, walk } = app;
  const source = k === -1 ? 1 : numbers.a[layer - 1][k];
  const name = k === -1 ? "1" : app.inputSymbol(layer - 1, k);
  const rule = [slopeOfLoss(weightSymbol(layer, unit, k)), " = ", numberSymbol("δ", layer, unit), " ", name, " = "];
  if (!walk.knowsDelta(layer, unit)) return equation(rule, "?");
  const gradient = gradientOf(numbers, layer, unit, k);
  const weight = app.weightOf(chosen);
  const { rate } = app.session.state;
  return [
    equation(rule, `${numeral(numbers.delta[layer][unit])} · ${inBrackets(source)} = `, signed(gradient)),
    element(
      "div",
      { class: "eq soft step" },
      `A step of SGD: ${numeral(weight)} − ${rate} · ${inBrackets(gradient)} = ${numeral(weight - rate * gradient)}`,
    ),
  ];
}

function pathTable(app, chosen) {
  const { layer, unit, k } = chosen;
  const { numbers, walk } = app;
  const last = numbers.sizes.length - 1;
  if (!walk.knowsDelta(layer, unit))
    return [element("h3", {}, "The chain rule, path by path"), quiet("Its delta is not known yet.")];
  const paths = pathsOf(numbers, app.P, chosen);
  const heads = [k === -1 ? "1" : app.inputSymbol(layer - 1, k)];
  for (let l = layer; l < last; l++) heads.push(numberSymbol("g′", l), numberSymbol("w", l + 1));
  heads.push(numberSymbol("δ", last));
  const alike = heads.map(
    (_, column) => paths.length > 1 && paths.every(({ factors }) => factors[column] === paths[0].factors[column]),
  );
  const most = paths.length > MOST_ROWS ? MOST_ROWS - 1 : MOST_ROWS;
  const rest = paths.slice(most);
  const several = numbers.sizes[last] > 1;
  const via = (units) => {
    const between = several ? units.slice(1) : units.slice(1, -1);
    return between.length ? between.map((u, n) => [numberSymbol("a", layer + 1 + n, u), " "]) : "direct";
  };
  const row = ({ units, factors, product }) => {
    const look = (on) => () => app.lookAtPath(on ? units : null);
    return element(
      "tr",
      {
        tabindex: 0,
        "data-key": `path ${units.join(" ")}`,
        onmouseenter: look(true),
        onfocus: look(true),
        onmouseleave: look(false),
        onblur: look(false),
      },
      element("td", {}, via(units)),
      factors.map((x, column) => element("td", { class: alike[column] ? "same" : "" }, numeral(x))),
      element("td", {}, coloured(product)),
    );
  };
  const left =
    rest.length &&
    element(
      "tr",
      {},
      element("td", { class: "soft", colspan: heads.length + 1 }, `${rest.length} smaller ones`),
      element("td", {}, coloured(rest.reduce((sum, { product }) => sum + product, 0))),
    );
  return [
    element(
      "h3",
      {},
      "The chain rule, path by path: ",
      paths.length === 1 ? "one path" : `${paths.length} paths`,
      " to the loss, together ",
      element("b", {}, numeral(gradientOf(numbers, layer, unit, k))),
    ),
    element(
      "table",
      { class: "tab paths" },
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          element("th", {}, "via"),
          heads.map((head) => element("th", {}, head)),
          element("th", {}, "product"),
        ),
      ),
      element("tbody", {}, paths.slice(0, most).map(row), left || null),
    ),
  ];
}
