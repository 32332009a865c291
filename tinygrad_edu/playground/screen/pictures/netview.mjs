// The net: units with their maps and numbers, heads of layers, where everything stands.

import { nameOf } from "../../net/net.mjs";
import { MOST_LAYERS, MOST_UNITS } from "../../net/state.mjs";
import { byId, element, mark, renew, say, segments, styled } from "../elements.mjs";
import { heightFor, linesFor, placesFor } from "./geometry.mjs";
import { Lines } from "./lines.mjs";
import { featureSymbol, numberSymbol, numeral, slopeOfLoss, toneOf, words } from "../symbols.mjs";

const ARROWS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

export class NetView {
  constructor(app) {
    this.app = app;
    this.stage = byId("stage");
    this.host = byId("units");
    this.lines = new Lines(app, this);
    this.ruler = document.createElement("canvas").getContext("2d");
    this.host.addEventListener("keydown", (event) => this.walkUnits(event));
    byId("goal").onclick = () => app.select({ kind: "loss" });
  }

  get depth() {
    return this.app.session.net.sizes.length - 1;
  }

  /** Elements for the sizes of now. */
  build() {
    const { sizes } = this.app.session.net;
    this.heads = sizes.map((_, layer) => this.headOf(layer));
    this.units = sizes.map((count, layer) => Array.from({ length: count }, (_, unit) => this.unitOf(layer, unit)));
    this.units[1][0].button.tabIndex = 0;
    renew(this.host, [this.heads, this.units.flat().map(({ button }) => button)]);
    this.lines.build(sizes);
    const layers = sizes.length - 2;
    say(byId("layers"), layers);
    byId("fewer").disabled = layers < 1;
    byId("more").disabled = layers >= MOST_LAYERS;
    this.place();
  }

  headOf(layer) {
    const { session } = this.app;
    if (layer === 0) return element("div", { class: "head" }, element("p", {}, "Inputs"));
    if (layer === this.depth) {
      const output = session.net.end.split(" ")[1];
      return element(
        "div",
        { class: "head" },
        element("p", {}, "Output", element("span", { class: "kind" }, output)),
      );
    }
    const count = session.state.hidden[layer - 1];
    const sized = (change) => () =>
      this.app.change({
        hidden: session.state.hidden.map((units, l) => units + (l === layer - 1 ? change : 0)),
      });
    const button = (text, label, change, disabled) =>
      element(
        "button",
        { class: "b small icon", "aria-label": label, disabled, onclick: sized(change), "data-key": label },
        text,
      );
    return element(
      "div",
      { class: "head" },
      element("p", {}, element("b", { class: "long" }, `Layer ${layer}`), this.activationOf(layer)),
      element(
        "div",
        { class: "count" },
        button("−", `Layer ${layer}: one unit fewer`, -1, count <= 1),
        element("b", {}, count),
        button("+", `Layer ${layer}: one unit more`, 1, count >= MOST_UNITS),
      ),
    );
  }

  activationOf(layer) {
    const { session, parts } = this.app;
    const { activations } = session.state;
    return element(
      "select",
      {
        "aria-label": `Activation of layer ${layer}`,
        "data-key": `activation ${layer}`,
        onchange: (event) =>
          this.app.change({
            activations: activations.map((name, l) => (l === layer - 1 ? event.target.value : name)),
          }),
      },
      Object.keys(parts.hidden).map((name) =>
        element("option", { value: name, selected: name === activations[layer - 1] }, name.replaceAll("_", " ")),
      ),
    );
  }

  unitOf(layer, unit) {
    const { app } = this;
    const canvas = element("canvas");
    const map = element("span", { class: "map" }, canvas);
    const numbers = element("span", { class: "nums" });
    const bias = layer ? element("span", { class: "bias" }) : null;
    const look = (on) => () => app.point(on ? { kind: "unit", layer, unit } : null);
    const button = element(
      "button",
      {
        class: layer ? "unit" : "unit in",
        tabindex: "-1",
        "data-key": `unit ${layer} ${unit}`,
        onclick: () => layer && app.select({ kind: "unit", layer, unit }),
        onmouseenter: look(true),
        onfocus: look(true),
        onmouseleave: look(false),
        onblur: look(false),
      },
      map,
      numbers,
      bias,
    );
    return { layer, unit, button, map, canvas, numbers, bias };
  }

  /** Put everything where it belongs, for the size of the stage and what is shown. */
  place() {
    const { app, stage } = this;
    const { sizes } = app.session.net;
    const phone = document.body.clientWidth < 720;
    const open = app.ui.example !== null;
    styled(stage, { "min-width": "0", height: phone ? heightFor(sizes, open) : "100%" });
    this.ruler.font = `600 12px ${getComputedStyle(document.body).fontFamily}`;
    const number = this.ruler.measureText("−0.000").width;
    document.body.style.setProperty("--fit", Math.min(1, Math.max(0.84, 39 / number)).toFixed(3));
    const given = { sizes, open, phone, number, width: stage.clientWidth, height: stage.clientHeight };
    this.places = placesFor(given);
    if (this.places.width > given.width) styled(stage, { "min-width": this.places.width });
    this.units.flat().forEach((entry) => this.placeUnit(entry));
    this.heads.forEach((head, layer) => this.placeHead(head, layer));
    this.lines.place(linesFor(this.places), this.places);
    const { goal } = this.places;
    byId("goal").hidden = !open;
    styled(byId("goal"), { left: goal.x, top: goal.y + 22 });
    this.legend();
  }

  placeHead(head, layer) {
    const { x, gap, low } = this.places;
    styled(head, { left: x[layer] });
    const long = head.querySelector(".long");
    if (long) say(long, gap < 120 ? layer : `Layer ${layer}`);
    const kind = head.querySelector(".kind");
    if (kind) kind.hidden = gap < 120 || low;
  }

  placeUnit({ layer, unit, button, map, numbers, bias }) {
    const { x, y, M, T, low, open, row } = this.places;
    const tall = !layer ? M : low ? M + 16 : open ? Math.max(M, 3 * row) : M;
    button.classList.toggle("low", low && layer > 0);
    styled(map, { width: M, height: M });
    styled(button, { top: y[layer][unit] - (low ? M : tall) / 2, height: tall });
    if (!layer) styled(button, { left: x[0] - 54, width: 54 + M });
    else if (low) styled(button, { left: x[layer] - 6, width: M + 12 });
    else styled(button, { left: x[layer], width: open ? M + T : M });
    numbers.hidden = !open && layer > 0;
    numbers.style.lineHeight = layer && !low ? `${row}px` : "";
    if (bias) styled(bias, low ? { left: 3, top: M - 6 } : { left: -3, top: tall / 2 + M / 2 - 6 });
  }

  legend() {
    const { app, places } = this;
    const { open, low, flat } = places;
    const chosen = (name) => (value) => {
      app.ui[name] = value;
      this.legend();
      app.touch("lines", "lens");
    };
    const lines = segments(
      [
        ["w", words("w")],
        ["gradient", slopeOfLoss(words("w"))],
      ],
      app.ui.lines,
      chosen("lines"),
    );
    const which = segments(
      [
        ["z", words("z")],
        ["a", words("a")],
        ["delta", words("δ")],
      ],
      app.ui.low,
      chosen("low"),
    );
    byId("corner").classList.toggle("flat", flat);
    byId("linesShow").hidden = !open;
    byId("unitsShow").hidden = !(open && low);
    renew(byId("linesChoice"), lines);
    renew(byId("unitsChoice"), which);
  }

  paintMaps() {
    const { session, plane, heat } = this.app;
    session.maps.draw(session.training.vector("P"));
    for (const { layer, unit, canvas } of this.units.flat()) {
      heat.draw(canvas, plane.mapOf(layer, unit), plane.scaleFor(layer, unit));
    }
  }

  /** z, a, delta of the example in every unit, as far as they are known. */
  paintNumbers() {
    const { numbers, walk } = this.app;
    const now = walk.step;
    for (const entry of this.units.flat()) {
      const { layer, unit, button } = entry;
      this.paintCells(entry);
      button.classList.toggle("now", Boolean(now && now.layer === layer && now.unit === unit));
      mark(button, "aria-label", this.labelOf(layer, unit));
    }
    if (!numbers) return;
    renew(
      byId("goal"),
      element(
        "dl",
        {},
        element("dt", {}, words("y")),
        element("dd", {}, numeral(numbers.y).replace(/\.000$/, "")),
        element("dt", {}, words("L")),
        element("dd", {}, walk.knowsLoss ? numeral(numbers.loss) : "·"),
      ),
    );
    byId("goal").classList.toggle("now", now?.kind === "loss");
  }

  /** What a unit shows: the letters of its numbers. */
  lettersOf(layer) {
    const { numbers, ui } = this.app;
    if (!numbers) return [];
    if (!layer) return ["x"];
    return this.places.low ? [ui.low] : ["z", "a", "delta"];
  }

  /** The elements of the numbers of a unit by letter; made anew only where others are wanted than before. */
  cellsOf(entry) {
    const { layer, unit, numbers: host } = entry;
    const { low } = this.places;
    const feature = layer ? null : this.app.session.state.features[unit];
    const letters = this.lettersOf(layer);
    const key = `${feature} ${low} ${letters}`;
    if (entry.key === key) return entry.cells;
    const cells = Object.fromEntries(letters.map((letter) => [letter, element("b")]));
    const named = (letter) => numberSymbol(letter === "delta" ? "δ" : letter, layer, unit);
    const rows = letters.map((letter) => [layer && !low ? named(letter) : null, cells[letter]]);
    renew(host, layer ? rows : [featureSymbol(feature), ...rows.map((row) => [element("br"), row])]);
    Object.assign(entry, { key, cells });
    return cells;
  }

  paintCells(entry) {
    const { layer, unit } = entry;
    const { numbers, walk } = this.app;
    for (const [letter, cell] of Object.entries(this.cellsOf(entry))) {
      const number = letter === "x" ? numbers.a[0][unit] : numbers[letter][layer][unit];
      if (letter === "delta") {
        const known = walk.knowsDelta(layer, unit);
        mark(cell, "class", known ? `d ${toneOf(number)}` : "d soft");
        say(cell, known ? numeral(number) : walk.guessing && walk.reached(layer, unit) ? "?" : "·");
      } else say(cell, walk.knowsValue(layer, unit) ? numeral(number) : "·");
    }
  }

  labelOf(layer, unit) {
    const { numbers, walk, session, parts } = this.app;
    if (!layer) return `input ${session.state.features[unit]}${numbers ? `: ${numeral(numbers.a[0][unit])}` : ""}`;
    const where = layer === this.depth ? `output unit ${unit + 1}` : `unit ${unit + 1} of layer ${layer}`;
    if (!numbers) return where;
    const told = (letter) =>
      `${nameOf(parts, letter, { layer, unit: unit + 1 })} ${numeral(numbers[letter][layer][unit])}`;
    const known = [
      ...(walk.knowsValue(layer, unit) ? ["z", "a"] : []),
      ...(walk.knowsDelta(layer, unit) ? ["delta"] : []),
    ];
    return [where, ...known.map(told)].join(", ");
  }

  walkUnits(event) {
    const from = this.units.flat().find(({ button }) => button === event.target);
    if (!from || !ARROWS[event.key]) return;
    const [across, down] = ARROWS[event.key];
    const layer = Math.min(this.depth, Math.max(0, from.layer + across));
    const unit = Math.min(this.units[layer].length - 1, Math.max(0, from.unit + down));
    for (const { button } of this.units.flat()) button.tabIndex = -1;
    const { button } = this.units[layer][unit];
    button.tabIndex = 0;
    button.focus();
    event.preventDefault();
  }
}
