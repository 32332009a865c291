// The lines of the net: weights or gradients by width and sign; pointed at, clicked, dragged up and down.

import { byId, clamp, drawn, mark, renew, styled } from "../elements.mjs";
import { labelPlaces, nearestLine } from "./geometry.mjs";
import { gradientOf, placeOf } from "../dock/numbers.mjs";
import { numeral, slopeOfLoss, toneOf, weightSymbol, words } from "../symbols.mjs";

const A_PIXEL = 0.02; // what a weight changes by when its line is dragged up by a pixel

const same = (one, other) =>
  Boolean(one && other && one.layer === other.layer && one.unit === other.unit && one.k === other.k);

export class Lines {
  constructor(app, view) {
    Object.assign(this, { app, view, list: [], paths: [], drag: null });
    const { stage } = view;
    stage.onpointermove = (event) => this.moved(event);
    stage.onpointerdown = (event) => this.pressed(event);
    stage.onpointerup = () => this.released();
    stage.onpointercancel = () => {
      this.drag = null;
    };
    stage.onpointerleave = () => !this.drag && this.point(null);
  }

  build(sizes) {
    const count = sizes.slice(1).reduce((sum, units, l) => sum + units * sizes[l], 0);
    this.paths = Array.from({ length: count }, () => drawn("path"));
    renew(byId("edges"), this.paths);
  }

  place(list, places) {
    Object.assign(this, { list, places });
    list.forEach(({ d }, k) => this.paths[k].setAttribute("d", d));
    const { goal, M, x } = places;
    const down = `M${x.at(-1) + M / 2} ${goal.y + 1}V${goal.y + 20}`;
    byId("goalLine").setAttribute("d", places.open ? down : "");
  }

  /** Which lines stay bright: null for all of them alike, else a test. */
  bright() {
    const { ui, walk, numbers } = this.app;
    const step = numbers && walk.step;
    const depth = this.places.sizes.length - 1;
    const into =
      ({ layer, unit }) =>
      (line) =>
        line.layer === layer && line.unit === unit;
    const outOf =
      ({ layer, unit }) =>
      (line) =>
        line.layer === layer + 1 && line.k === unit;
    if (step?.kind === "forward") return into(step);
    if (step?.kind === "backward" && step.layer < depth) return outOf(step);
    if (step) return () => false;
    const chosen = numbers && ui.chosen;
    if (!chosen || chosen.kind === "loss") {
      return ui.hover?.kind === "unit" ? (line) => into(ui.hover)(line) || outOf(ui.hover)(line) : null;
    }
    if (chosen.kind === "unit") return (line) => into(chosen)(line) || outOf(chosen)(line);
    return (line) =>
      line.layer === chosen.layer
        ? same(line, chosen)
        : line.layer > chosen.layer &&
          (line.layer > chosen.layer + 1 || line.k === chosen.unit) &&
          (!ui.path ||
            (ui.path[line.layer - chosen.layer] === line.unit &&
              ui.path[line.layer - 1 - chosen.layer] === line.k));
  }

  paint() {
    const { ui, walk, numbers, session } = this.app;
    const P = session.training.vector("P");
    const { sizes } = this.places;
    const gradients = numbers && ui.lines === "gradient";
    const values = this.list.map(({ layer, unit, k }) => {
      if (!gradients) return P[placeOf(sizes, layer, unit, k)];
      return walk.knowsDelta(layer, unit) ? gradientOf(numbers, layer, unit, k) : 0;
    });
    const most = values.reduce((largest, x) => Math.max(largest, Math.abs(x)), gradients ? 1e-9 : 2);
    const bright = this.bright();
    const chosen = numbers && ui.chosen?.kind === "weight" ? ui.chosen : null;
    const halo = [];
    const flow = [];
    const back = walk.step?.kind === "backward" ? "flow back" : "flow";
    this.list.forEach((line, n) => {
      const share = Math.abs(values[n]) / most;
      const lit = !bright || bright(line);
      const hot = ui.hover?.kind === "weight" && same(ui.hover, line);
      const strength = (lit ? 0.3 + 0.65 * Math.sqrt(share) : 0.13) + (hot ? 0.3 : 0);
      const path = this.paths[n];
      mark(path, "class", values[n] < 0 ? "minus" : "plus");
      mark(path, "stroke-width", (0.7 + 4.6 * share).toFixed(1));
      mark(path, "stroke-opacity", Math.min(1, strength).toFixed(2));
      if (hot || same(chosen, line))
        halo.push(drawn("path", { class: "halo", d: line.d, "stroke-width": (10 + 4.6 * share).toFixed(1) }));
      if (numbers && walk.step && bright && lit) flow.push(drawn("path", { class: back, d: line.d }));
    });
    const { step } = walk;
    const depth = sizes.length - 1;
    if (numbers && step && (step.kind === "loss" || (step.kind === "backward" && step.layer === depth))) {
      flow.push(drawn("path", { class: back, d: byId("goalLine").getAttribute("d") }));
    }
    renew(byId("halo"), halo);
    renew(byId("flow"), flow);
    this.paintUnits(P, chosen);
  }

  /** Rings of chosen units, biases, and units that are not on a path. */
  paintUnits(P, chosen) {
    const { ui, numbers } = this.app;
    const { sizes } = this.places;
    for (const { layer, unit, button, bias } of this.view.units.flat()) {
      const pressed = numbers && ui.chosen?.kind === "unit" && ui.chosen.layer === layer && ui.chosen.unit === unit;
      mark(button, "aria-pressed", Boolean(pressed));
      button.classList.toggle("faint", Boolean(chosen && !this.onPath(chosen, layer, unit)));
      if (!bias) continue;
      const number = P[placeOf(sizes, layer, unit, -1)];
      mark(bias, "class", number < 0 ? "bias minus" : "bias plus");
      bias.style.opacity = Math.abs(number) < 1e-9 ? 0 : 1;
    }
  }

  onPath(chosen, layer, unit) {
    const { path } = this.app.ui;
    if (layer === chosen.layer - 1) return unit === chosen.k;
    if (layer < chosen.layer) return false;
    if (path) return path[layer - chosen.layer] === unit;
    return layer > chosen.layer || unit === chosen.unit;
  }

  /** The gradient on all lines of a gap if all fit, else on the bright ones; after a chosen weight, the factors. */
  paintLabels() {
    const { ui, walk, numbers, session } = this.app;
    const { sizes, low, half } = this.places;
    const labels = [];
    const bright = this.bright();
    const P = session.training.vector("P");
    for (let layer = 1; numbers && !low && layer < sizes.length; layer++) {
      const lines = this.list.filter(
        (line) => line.layer === layer && walk.knowsDelta(layer, line.unit) && (!bright || bright(line)),
      );
      if (!lines.length) continue;
      const factor = ui.chosen?.kind === "weight" && !walk.step && layer > ui.chosen.layer;
      const width = half + (factor ? 4 : 0);
      for (const [line, x, y] of labelPlaces(lines, sizes, width) ?? []) {
        const { unit, k } = line;
        const number = factor ? P[placeOf(sizes, layer, unit, k)] : gradientOf(numbers, layer, unit, k);
        labels.push(
          drawn("rect", { x: (x - width).toFixed(1), y: (y - 7).toFixed(1), width: 2 * width, height: 14, rx: 4 }),
          drawn(
            "text",
            { x: x.toFixed(1), y: (y + 4).toFixed(1), class: factor ? "" : toneOf(number) },
            `${factor ? "×" : ""}${numeral(number)}`,
          ),
        );
      }
    }
    renew(byId("labels"), labels);
  }

  at(event) {
    const box = this.view.stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  point(line, x = 0, y = 0) {
    const { app } = this;
    const before = app.ui.hover?.kind === "weight" ? app.ui.hover : null;
    if (!same(before, line) && (before || line)) app.point(line && { kind: "weight", ...line });
    this.tip(line, x, y);
  }

  moved(event) {
    const [x, y] = this.at(event);
    if (this.drag) {
      const up = this.drag.from - event.clientY;
      if (Math.abs(up) > 3) this.drag.moved = true;
      if (this.drag.moved) this.app.setWeight(this.drag.line, this.drag.weight + up * A_PIXEL);
      this.tip(this.drag.line, x, y);
      return;
    }
    const over = event.target.closest(".unit, .head, .corner, .goal");
    const line = over ? null : nearestLine(this.list, x, y);
    this.view.stage.classList.toggle("pointing", Boolean(line));
    this.point(line, x, y);
  }

  pressed(event) {
    if (event.target.closest("button, select, .corner, .goal")) return;
    const line = nearestLine(this.list, ...this.at(event));
    if (!line) return;
    this.drag = { line, from: event.clientY, weight: this.app.weightOf(line), moved: false };
    if (event.pointerType !== "mouse") return;
    this.view.stage.setPointerCapture(event.pointerId);
    event.preventDefault();
  }

  released() {
    if (!this.drag) return;
    const { layer, unit, k } = this.drag.line;
    this.drag = null;
    this.app.select({ kind: "weight", layer, unit, k });
  }

  /** Value and gradient beside the pointer. */
  tip(line, x, y) {
    const { numbers, walk } = this.app;
    const host = byId("tip");
    host.hidden = !line;
    if (!line) return;
    const { layer, unit, k } = line;
    const gradient = numbers && walk.knowsDelta(layer, unit) ? gradientOf(numbers, layer, unit, k) : null;
    renew(
      host,
      [
        weightSymbol(layer, unit, k),
        ` = ${numeral(this.app.weightOf(line))}`,
        gradient !== null && ["\u2003", slopeOfLoss(words("w")), ` = ${numeral(gradient)}`],
      ].filter(Boolean),
    );
    const { stage } = this.view;
    styled(host, {
      left: clamp(x + 14, 0, Math.max(0, this.places.width - host.offsetWidth)),
      top: clamp(y - 36, 0, stage.clientHeight),
    });
  }
}
