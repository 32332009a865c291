// How numbers are called and written on the page: z with (layer) above and unit below, both from 1 on.

import { shown } from "../../export/page/curves.mjs";
import { element } from "./elements.mjs";

const italic = (text) => element("i", {}, text);
const symbol = (...children) => element("span", { class: "m" }, ...children);

/** What the features are called, by their names in Python. */
const FEATURE_NAMES = {
  x1: [["x", "1"]],
  x2: [["x", "2"]],
  "x1*x2": [
    ["x", "1"],
    ["x", "2"],
  ],
  "x1**2": [["x", "1", "2"]],
  "x2**2": [["x", "2", "2"]],
  "sin(pi*x1)": ["sin π", ["x", "1"]],
  "sin(pi*x2)": ["sin π", ["x", "2"]],
};

export function featureSymbol(name) {
  return symbol(
    FEATURE_NAMES[name].map((part) =>
      typeof part === "string"
        ? part
        : [italic(part[0]), element("sub", {}, part[1]), part[2] && element("sup", {}, part[2])],
    ),
  );
}

/** An index is a number from 0 on, or a letter that runs. */
const index = (k) => (typeof k === "string" ? italic(k) : String(k + 1));

/** A letter with its layer above and indices below: numberSymbol("w", 1, 0, "i"). */
export function numberSymbol(letter, layer, ...indices) {
  return symbol(
    italic(letter),
    element(
      "span",
      { class: "s" },
      element("sup", {}, `(${layer})`),
      element("sub", {}, indices.length ? indices.map(index) : "\u00a0"),
    ),
  );
}

/** The weight to a unit from an input, -1 being its bias. */
export const weightSymbol = (layer, unit, k) =>
  k === -1 ? numberSymbol("b", layer, unit) : numberSymbol("w", layer, unit, k);

/** Letters alone: words("a", " − ", "y") has single letters italic. */
export const words = (...texts) => symbol(texts.map((text) => (/^[a-zA-Zδ]′?$/.test(text) ? italic(text) : text)));

export const sumOver = (letter) => element("span", {}, "Σ", element("sub", {}, italic(letter)));

export const slopeOfLoss = (...what) => element("span", {}, words("∂", "L", "/∂"), what);

/** A formula of the package as text, such as "1 - a^2": letters italic, a real minus, powers raised. */
export function formula(text) {
  const tokens = text.replaceAll(" - ", " − ").match(/\^\d|\b[a-zA-Z](?:_[a-z])?\b|[^^a-zA-Z]+|[a-zA-Z]+/g) ?? [];
  return symbol(
    tokens.map((token) => {
      if (token.startsWith("^")) return element("sup", {}, token.slice(1));
      if (/^[a-zA-Z]_[a-z]$/.test(token)) return [italic(token[0]), element("sub", {}, italic(token[2]))];
      return /^[a-zA-Z]$/.test(token) ? italic(token) : token;
    }),
  );
}

/** Three decimals as everywhere, fewer where the number is large: it has to fit beside a unit. */
export function numeral(x) {
  if (!Number.isFinite(x)) return "–";
  const size = Math.abs(x);
  if (size < 10 || size >= 1e5) return shown(x);
  return x.toFixed(size < 100 ? 2 : 0).replace("-", "\u2212");
}

export const inBrackets = (x) => (x < 0 ? `(${numeral(x)})` : numeral(x));

export const toneOf = (x) => (x > 0 ? "pos" : x < 0 ? "neg" : "");

/** A number in the colour of its sign. */
export const coloured = (x) => element("span", { class: toneOf(x) }, numeral(x));

export const strong = (content) => element("b", {}, content);

export const percentage = (x) => (Number.isFinite(x) ? `${(100 * x).toFixed(1)} %` : "–");
