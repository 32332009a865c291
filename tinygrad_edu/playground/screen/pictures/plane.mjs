// The plane: regions of the net, the points, the example; a click chooses a point, or adds one.

import { rowsOf } from "../../net/data.mjs";
import { byId, renew } from "../elements.mjs";
import { cleared, drawBoundary, marginsOf, scaleOf, SIDE } from "./heat.mjs";
import { paintClasses, paintNothing, paintSigns } from "./legend.mjs";
import { featureSymbol, numberSymbol } from "../symbols.mjs";

const REACH = 18; // pixels to a point that is meant

/** The square around points, with a margin; {left, right, low, high}. */
export function squareAround(points) {
  const [xs, ys] = [0, 1].map((k) => points.map((point) => point[k]));
  const middle = (numbers) => (Math.min(...numbers) + Math.max(...numbers)) / 2;
  const width = (numbers) => Math.max(...numbers) - Math.min(...numbers);
  const r = (Math.max(width(xs), width(ys)) / 2) * 1.08 || 1;
  const [x, y] = [middle(xs), middle(ys)];
  return { left: x - r, right: x + r, low: y - r, high: y + r };
}

/** The places of maps in a square, row by row from its upper left corner. */
export function placesIn({ left, right, low, high }) {
  const step = (right - left) / SIDE;
  const down = (high - low) / SIDE;
  return Array.from({ length: SIDE * SIDE }, (_, k) => [
    left + step * ((k % SIDE) + 0.5),
    high - down * (Math.floor(k / SIDE) + 0.5),
  ]);
}

export class Plane {
  constructor(app) {
    this.app = app;
    this.host = byId("plane");
    [this.canvas] = this.host.getElementsByTagName("canvas");
    this.under = document.createElement("canvas");
    this.over = document.createElement("canvas"); // the points, which stand still while training goes on
    this.font = `11px ${getComputedStyle(this.host).fontFamily}`;
    this.host.onclick = (event) => this.clicked(event);
  }

  /** Other points: their square, and the features in it. */
  look() {
    const { session, ui } = this.app;
    this.forget();
    this.square = ui.drawing ? { left: -1.5, right: 1.5, low: -1.5, high: 1.5 } : squareAround(session.data.points);
    const places = placesIn(this.square);
    session.watch(places);
    this.inputs = session.state.features.map((name) => Float64Array.from(rowsOf(places, [name])));
    const most = session.data.points.reduce((largest, point) => Math.max(largest, Math.abs(point.at(-1))), 1e-6);
    this.scaleOfTargets = { factor: 1 / most, shift: 0, bent: false };
  }

  /** The numbers of a unit at all places; layer 0 are the inputs. */
  mapOf(layer, unit) {
    return layer === 0 ? this.inputs[unit] : this.app.session.maps.of(layer - 1, unit);
  }

  /** How the numbers of a unit become colours. */
  scaleFor(layer, unit) {
    const { session } = this.app;
    const output = layer === session.net.sizes.length - 1;
    if (output && this.app.kind === "surface") return this.scaleOfTargets;
    const activation = session.state.activations[layer - 1];
    return scaleOf(this.mapOf(layer, unit), { head: session.head, classes: session.classes, output, activation });
  }

  /** The points are drawn anew. */
  forget() {
    this.drawn = null;
  }

  at([x1, x2], side) {
    const { left, right, low, high } = this.square;
    return [((x1 - left) / (right - left)) * side, ((high - x2) / (high - low)) * side];
  }

  paint() {
    const { session, ui, heat, colours } = this.app;
    const [pen, side] = cleared(this.canvas);
    const depth = session.net.sizes.length - 1;
    const looked = ui.hover?.kind === "unit" && ui.hover.layer < depth ? ui.hover : null;
    const layer = looked?.layer ?? depth;
    const several = session.classes > 2 && session.head.units > 1;
    if (!looked && this.app.kind === "curve") {
      paintNothing();
      this.paintFunction(pen, side);
      return;
    }
    if (!looked && several) {
      heat.drawClasses(this.under, this.outputs(), ui.discrete);
      paintClasses(Array.from({ length: session.classes }, (_, label) => session.data.names?.[label] ?? label));
    } else {
      const unit = looked?.unit ?? 0;
      const scale = this.scaleFor(layer, unit);
      heat.draw(this.under, this.mapOf(layer, unit), scale, { pale: true, flat: ui.discrete });
      paintSigns(looked ? (layer ? "a" : "x") : this.nameOfOutput(scale), scale, ui.discrete);
    }
    pen.imageSmoothingEnabled = !ui.discrete;
    pen.imageSmoothingQuality = "high";
    pen.drawImage(this.under, 0, 0, side, side);
    Object.assign(pen, { strokeStyle: colours.of("--ink"), globalAlpha: 0.55, lineWidth: 1.25 });
    for (const [numbers, level] of this.edges(looked, several)) drawBoundary(pen, side, numbers, level);
    pen.globalAlpha = 1;
    this.paintPoints(pen, side);
    this.paintExample(pen, side);
    this.note(looked);
  }

  /** A function of one number: its points, and what the net gives over all of its inputs. */
  paintFunction(pen, side) {
    const { colours } = this.app;
    const { low, high, left, right } = this.square;
    const [outputs] = this.outputs();
    const at = (k) => this.at([left + ((right - left) * (k + 0.5)) / SIDE, outputs[k]], side);
    const line = (points, style) => {
      Object.assign(pen, style);
      pen.beginPath();
      for (const point of points) pen.lineTo(...point);
      pen.stroke();
    };
    if (low < 0 && high > 0)
      line([this.at([left, 0], side), this.at([right, 0], side)], {
        strokeStyle: colours.of("--line"),
        lineWidth: 1,
      });
    this.paintPoints(pen, side);
    this.paintExample(pen, side);
    line(
      Array.from({ length: SIDE }, (_, k) => at(k)),
      { strokeStyle: colours.of("--ink"), lineWidth: 2.5 },
    );
    this.note(null);
  }

  outputs() {
    const { sizes } = this.app.session.net;
    return Array.from({ length: sizes.at(-1) }, (_, unit) => this.mapOf(sizes.length - 1, unit));
  }

  nameOfOutput({ bent }) {
    const { session } = this.app;
    if (!session.classes) return "y";
    const name = String(session.data.names?.[1] ?? "class 1");
    return bent || session.head.threshold ? `P(${name.slice(0, 10)})` : "output";
  }

  /** The colour of a point: of its class, of its sign, or of its number. */
  inkOf(k) {
    const { heat, colours, kind } = this.app;
    if (kind !== "surface") return colours.of(this.app.colourOf(k));
    return heat.inkOf(this.app.targetOf(k), this.scaleOfTargets);
  }

  /** [numbers, level] of the lines between regions. */
  edges(looked, several) {
    const { session } = this.app;
    if (looked) {
      const numbers = this.mapOf(looked.layer, looked.unit);
      if (session.state.activations[looked.layer - 1] === "sigmoid") return [[numbers, 0.5]];
      const [least, most] = numbers.reduce(([a, b], x) => [Math.min(a, x), Math.max(b, x)], [Infinity, -Infinity]);
      return [[numbers, least < 0 ? 0 : most / 100]]; // at the foot of a relu, where it begins to rise
    }
    if (!session.classes) return [];
    const outputs = this.outputs();
    if (!several) return [[outputs[0], session.head.threshold]];
    return marginsOf(outputs).map((margin) => [margin, 0]);
  }

  /** The points and the bounds of the plane, from a picture of them where nothing has changed. */
  paintPoints(pen, side) {
    const { over, app } = this;
    const ratio = devicePixelRatio || 1;
    const wanted = `${side} ${ratio} ${app.ui.showTest}`;
    if (this.drawn !== wanted) {
      this.drawn = wanted;
      Object.assign(over, { width: Math.round(side * ratio), height: Math.round(side * ratio) });
      const other = over.getContext("2d");
      other.setTransform(ratio, 0, 0, ratio, 0, 0);
      this.drawPoints(other, side);
      this.drawBounds(other, side);
    }
    pen.drawImage(over, 0, 0, side, side);
  }

  drawPoints(pen, side) {
    const { session, ui, colours, test, kind } = this.app;
    const { points } = session.data;
    const paper = colours.of("--paper");
    const edge = kind === "surface" ? colours.of("--edge") : paper; // a number near 0 has the colour of the paper
    points.forEach((point, k) => {
      const held = test.has(k);
      if (held && !ui.showTest) return;
      const colour = this.inkOf(k);
      pen.beginPath();
      pen.arc(...this.at(point, side), held ? 3 : 3.4, 0, 7);
      Object.assign(pen, {
        fillStyle: held ? paper : colour,
        strokeStyle: held ? colour : edge,
        lineWidth: held ? 1.75 : 1,
      });
      pen.fill();
      pen.stroke();
    });
  }

  paintExample(pen, side) {
    const { session, ui, colours } = this.app;
    if (ui.example === null) return;
    const at = this.at(session.data.points[ui.example], side);
    for (const [width, name] of [
      [5, "--paper"],
      [2.5, "--lit"],
    ]) {
      pen.beginPath();
      pen.arc(...at, 9, 0, 7);
      Object.assign(pen, { lineWidth: width, strokeStyle: colours.of(name) });
      pen.stroke();
    }
    pen.beginPath();
    pen.arc(...at, 4, 0, 7);
    pen.fillStyle = this.inkOf(ui.example);
    pen.fill();
  }

  drawBounds(pen, side) {
    const { colours } = this.app;
    const [red, green, blue] = colours.parts("--paper");
    Object.assign(pen, {
      font: this.font,
      lineWidth: 4,
      lineJoin: "round",
      strokeStyle: `rgb(${red} ${green} ${blue} / 0.75)`,
      fillStyle: colours.of("--ink"),
    });
    const short = (x) => x.toFixed(1).replace("-", "\u2212");
    const { right, high } = this.square;
    for (const [text, x, y, align] of [
      [`x₁ ${short(right)}`, side - 7, side - 8, "right"],
      [`${this.app.kind === "curve" ? "y" : "x₂"} ${short(high)}`, 7, 16, "left"],
    ]) {
      pen.textAlign = align;
      pen.strokeText(text, x, y);
      pen.fillText(text, x, y);
    }
  }

  /** Whose map it is, if it is not the net's. */
  note(looked) {
    const host = byId("note");
    host.hidden = !looked;
    if (!looked) return;
    const { layer, unit } = looked;
    const symbol = layer ? numberSymbol("a", layer, unit) : featureSymbol(this.app.session.state.features[unit]);
    renew(host, [symbol, " over the plane"]);
  }

  clicked(event) {
    const { session, ui, test } = this.app;
    const box = this.host.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let found = null;
    let least = REACH;
    session.data.points.forEach((point, k) => {
      if (test.has(k) && !ui.showTest) return;
      const [px, py] = this.at(point, box.width);
      const distance = Math.hypot(px - x, py - y);
      if (distance < least) [least, found] = [distance, k];
    });
    if (ui.drawing && least > 7) {
      const { left, right, low, high } = this.square;
      this.app.addPoint([left + (x / box.width) * (right - left), high - (y / box.height) * (high - low)]);
    } else if (found !== null) this.app.choose(found);
  }
}
