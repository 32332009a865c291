// The legend of the plane: which colour stands for which number, or for which class.

import { byId, element, renew } from "../elements.mjs";
import { Heat } from "./heat.mjs";
import { words } from "../symbols.mjs";

const LONGEST_NAME = 10; // characters of a class
const MOST_BESIDE = 6; // classes beside each other

/** Two digits, with a real minus. */
const short = (x) => String(Number(x.toPrecision(2))).replace("-", "\u2212");

/** The numbers at the strongest minus, at the paper, and at the strongest plus of a scale (see `scaleOf`). */
export function endsOf({ factor, shift, bent }) {
  return bent ? [0, 0.5, 1] : [shift - 1 / factor, shift, shift + 1 / factor];
}

/** Colours of signs by a scale; `name` says of what. */
export function paintSigns(name, scale, flat) {
  const [low, middle, high] = endsOf(scale).map(short);
  byId("scale").classList.toggle("flat", flat);
  fill(`${name} ${low} ${middle} ${high}`, () => [
    name.length > 1 ? name : words(name),
    element("b", {}, low),
    element("i", { class: "ramp minus" }),
    element("b", {}, middle),
    element("i", { class: "ramp plus" }),
    element("b", {}, high),
  ]);
}

/** Colours of classes. */
export function paintClasses(names) {
  fill(names.join(" "), () =>
    names.slice(0, MOST_BESIDE).map((name, label) => {
      const dot = element("i", { class: "dot" });
      dot.style.background = `var(${Heat.variable(label)})`;
      return element("span", {}, dot, String(name).slice(0, LONGEST_NAME));
    }),
  );
}

export const paintNothing = () => fill("", () => []);

function fill(key, content) {
  const host = byId("scale");
  if (host.dataset.shown === key) return;
  host.dataset.shown = key;
  renew(host, content());
}
