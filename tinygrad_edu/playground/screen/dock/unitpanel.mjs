// The lens on a unit: how its net input and activation come about, and its delta, with the numbers in the rules.

import { element } from "../elements.mjs";
import { termsOf } from "./numbers.mjs";
import { equation, half, halves, quiet, signed, terms, weightButton } from "./panel.mjs";
import { coloured, formula, inBrackets, numberSymbol, numeral, strong, sumOver, words } from "../symbols.mjs";

/** Activations of which a slope is 0 somewhere: then a sign can be "zero". */
const BEND = new Set(["relu", "step", "sign"]);

export function unitPanel(app, { layer, unit }) {
  const { walk, session } = app;
  const last = layer === session.net.sizes.length - 1;
  const kind = walk.step?.kind;
  const backward = last ? outputRule(app, layer, unit) : deltaRule(app, layer, unit);
  const title = last ? "Backward: where it starts" : "Backward: the delta rule";
  return halves(
    kind === "backward" ? "back" : "",
    half(
      `Forward: ${app.unitName(layer, unit)}, ${app.activationOf(layer).replaceAll("_", " ")}`,
      kind === "forward" ? "hot" : "",
      forwardRule(app, layer, unit),
    ),
    half(title, kind === "backward" ? "hot" : kind === "forward" ? "off" : "", backward),
  );
}

function forwardRule(app, layer, unit) {
  const { numbers, walk } = app;
  const { a, z, sizes } = numbers;
  const indices = a[layer - 1].map((_, k) => k);
  const known = walk.knowsValue(layer, unit);
  const source =
    layer === 1
      ? element("span", { class: "m" }, element("i", {}, "x"), element("sub", {}, element("i", {}, "i")))
      : numberSymbol("a", layer - 1, "i");
  const product = (k) => coloured(app.weightOf({ layer, unit, k }) * (k === -1 ? 1 : a[layer - 1][k]));
  const dots = Array(sizes[layer - 1] + 1).fill("·");
  const activation = app.activationOf(layer);
  return [
    equation(
      numberSymbol("z", layer, unit),
      " = ",
      sumOver("i"),
      " ",
      numberSymbol("w", layer, unit, "i"),
      " ",
      source.cloneNode(true),
      " + ",
      numberSymbol("b", layer, unit),
      " = ",
      strong(known ? numeral(z[layer][unit]) : "·"),
    ),
    terms(
      words("i"),
      [...indices.map((k) => k + 1), words("b")],
      [
        [source, [...indices.map((k) => (walk.knowsValue(layer - 1, k) ? numeral(a[layer - 1][k]) : "·")), "1"]],
        [numberSymbol("w", layer, unit, "i"), [...indices, -1].map((k) => weightButton(app, layer, unit, k))],
        ["product", known ? [...indices, -1].map(product) : dots, "prod"],
      ],
    ),
    equation(
      numberSymbol("a", layer, unit),
      ` = ${activation === "sigmoid" ? "σ" : activation === "linear" ? "" : activation.replaceAll("_", " ")}`,
      activation === "linear" ? "" : "(",
      numberSymbol("z", layer, unit),
      activation === "linear" ? "" : ")",
      " = ",
      strong(known ? numeral(a[layer][unit]) : "·"),
    ),
  ];
}

function deltaRule(app, layer, unit) {
  const { numbers, walk } = app;
  const { delta, slope } = numbers;
  const next = delta[layer + 1].map((_, k) => k);
  const known = walk.knowsDelta(layer, unit);
  const before = next.every((k) => walk.knowsDelta(layer + 1, k));
  const products = termsOf(numbers, app.P, layer, unit);
  const sum = products.reduce((total, x) => total + x, 0);
  const given = known
    ? [` = ${numeral(slope[layer][unit])} · ${inBrackets(sum)} = `, signed(delta[layer][unit])]
    : [];
  return [
    equation(
      numberSymbol("δ", layer, unit),
      " = ",
      words("g′", "("),
      numberSymbol("z", layer, unit),
      ") ",
      sumOver("k"),
      " ",
      numberSymbol("δ", layer + 1, "k"),
      " ",
      numberSymbol("w", layer + 1, "k", unit),
      given,
    ),
    terms(
      words("k"),
      next.map((k) => k + 1),
      [
        [
          numberSymbol("δ", layer + 1, "k"),
          next.map((k) =>
            walk.knowsDelta(layer + 1, k) ? numeral(delta[layer + 1][k]) : walk.guessing ? "?" : "·",
          ),
        ],
        [numberSymbol("w", layer + 1, "k", unit), next.map((k) => weightButton(app, layer + 1, k, unit))],
        ["product", next.map((k) => (known ? coloured(products[k]) : "·")), "prod"],
      ],
    ),
    known
      ? verdict(app, layer, unit, slopeLine(app, layer, unit))
      : !walk.reached(layer, unit)
        ? quiet("The backward pass has not come here yet.")
        : before
          ? question(app, layer)
          : element(
              "div",
              { class: "ask" },
              element(
                "button",
                { class: "b", "data-key": "first", onclick: () => app.go(walk.open) },
                "Guess the layer after it first",
              ),
            ),
  ];
}

/** g'(z) as the textbook writes it, and its number. */
function slopeLine(app, layer, unit) {
  const text = app.parts.slopes[app.activationOf(layer)]?.[0];
  const letters = [words("g′", "(", "z", ")"), text && " = ", text && formula(text)];
  return equation(letters, ` = ${numeral(app.numbers.slope[layer][unit])}`);
}

/** dL/da as the package's textbook has it; what is in bars turns sign in the other convention. */
function slopeOfLossText({ parts, session }) {
  const text = parts.losses[session.loss][0].replaceAll("s(", "σ(");
  return text.replace(/^\|(.*)\|$/, "$1").replace(/\(?\|(.*?)\|\)?/g, "($1)");
}

function outputRule(app, layer, unit) {
  const { numbers, walk } = app;
  const delta = numbers.delta[layer][unit];
  const slope = numbers.slope[layer][unit];
  const known = walk.knowsDelta(layer, unit);
  const row = (name, letters, number, kind = "") =>
    element(
      "tr",
      { class: kind },
      element("th", {}, name),
      element("th", { class: "l" }, letters),
      element("td", {}, number),
    );
  return [
    equation(
      numberSymbol("δ", layer, unit),
      " = ",
      words("∂", "L", "/∂", "z", " = ", "g′", "("),
      numberSymbol("z", layer, unit),
      ") ",
      words("∂", "L", "/∂", "a"),
      known ? [" = ", signed(delta)] : "",
    ),
    !known
      ? walk.reached(layer, unit)
        ? question(app, layer)
        : quiet("The backward pass has not come here yet.")
      : [
          verdict(app, layer, unit, null),
          element(
            "table",
            { class: "tab" },
            element(
              "tbody",
              {},
              row(
                "slope of the loss",
                [words("∂", "L", "/∂", "a", " = "), formula(slopeOfLossText(app))],
                slope === 0 ? "·" : numeral(delta / slope),
              ),
              row(
                `slope of ${app.activationOf(layer)}`,
                [words("g′", "(", "z", ")", " = "), formula(app.parts.slopes[app.activationOf(layer)]?.[0] ?? "")],
                numeral(slope),
              ),
              row("their product", words("δ"), coloured(delta), "prod"),
            ),
          ),
        ],
  ];
}

function question(app, layer) {
  const ask = (sign, kind, text) =>
    element(
      "button",
      {
        class: `b ${kind}`,
        "data-key": `sign ${sign}`,
        onclick: () => app.answer(sign),
      },
      text,
    );
  return element(
    "div",
    { class: "ask", role: "group", "aria-label": "Which sign has delta?" },
    element("span", {}, "Its sign?"),
    ask(-1, "neg", "− negative"),
    BEND.has(app.activationOf(layer)) ? ask(0, "", "0 zero") : null,
    ask(1, "pos", "+ positive"),
    ask(null, "plain", "Show"),
  );
}

/** Whether the guess was right, and which product decided; else what stands there otherwise. */
function verdict(app, layer, unit, otherwise) {
  const { walk, numbers } = app;
  const right = walk.said(layer, unit);
  if (!walk.guessing || right === undefined || right === null) return otherwise;
  const sign = Math.sign(numbers.delta[layer][unit]);
  const told = right ? "✓ Right" : `✗ Not so, it is ${["negative", "zero", "positive"][sign + 1]}`;
  const [won, all] = walk.score;
  const more = walk.step?.kind === "backward" && walk.at < walk.steps.length - 1;
  return element(
    "div",
    { class: "row verdict" },
    element(
      "span",
      {},
      element("b", {}, told),
      ": ",
      why(app, layer, unit),
      ". ",
      element("span", { class: "soft" }, `${won} of ${all}`),
    ),
    more
      ? element(
          "button",
          { class: "b small ring", "data-key": "next", onclick: () => app.go(walk.at + 1) },
          "Next ›",
        )
      : null,
  );
}

function why({ numbers, P, session }, layer, unit) {
  const { delta, slope, sizes } = numbers;
  if (layer === sizes.length - 1) {
    const wanted = delta[layer][unit] > 0 ? "should be smaller" : "should be larger";
    const told = delta[layer][unit] === 0 ? "is as it should be" : wanted;
    return `the output ${told}${session.head.units === 1 ? "" : " for this class"}`;
  }
  if (slope[layer][unit] === 0) return "the slope of the unit is 0";
  const products = termsOf(numbers, P, layer, unit);
  if (slope[layer][unit] < 0) return "the slope of the unit is negative and turns the sum round";
  if (products.length === 1) return "the slope is positive, so the one product decides";
  const largest = products.reduce((best, x, k) => (Math.abs(x) > Math.abs(products[best]) ? k : best), 0);
  const sum = products.reduce((total, x) => total + x, 0);
  return Math.sign(products[largest]) === Math.sign(sum)
    ? ["the largest product, ", words("k", ` = ${largest + 1}`), ", decides"]
    : ["the smaller products together outweigh ", words("k", ` = ${largest + 1}`)];
}
