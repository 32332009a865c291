// The page as a whole: a session, what is chosen and pointed at, and at most one painting a frame of what changed.

import { Colours } from "../../export/page/colours.mjs";
import { Player } from "../../export/page/run/player.mjs";
import { nameOf } from "../net/net.mjs";
import { Session } from "../net/session.mjs";
import { changed, DEFAULTS, learnedBy } from "../net/state.mjs";
import { Bar } from "./controls/bar.mjs";
import { DataPanel } from "./controls/datapanel.mjs";
import { Dock } from "./dock/dock.mjs";
import { byId, say } from "./elements.mjs";
import { Figures } from "./pictures/figures.mjs";
import { forgetSizes, Heat } from "./pictures/heat.mjs";
import { NetView } from "./pictures/netview.mjs";
import { numbersOf, placeOf } from "./dock/numbers.mjs";
import { Plane } from "./pictures/plane.mjs";
import { featureSymbol, numberSymbol, numeral } from "./symbols.mjs";
import { Walk } from "./dock/walk.mjs";

/** What can be painted, in this order. */
const PAINTINGS = ["maps", "plane", "curves", "lens", "labels", "lines", "numbers", "settings"];
/** While training plays: milliseconds between lines and curves, and between numbers of the lens. */
const LINES_EVERY = 45;
const TEXT_EVERY = 150;
/** Settings with which there are other points, and with which they are looked at in another way. */
const OF_DATA = ["data", "n", "noise", "seed", "classes", "own"];
const OF_POINTS = [...OF_DATA, "features"];

export class App {
  constructor(machine, parts, { settings, drawing }) {
    Object.assign(this, { machine, parts, numbers: null, dirty: new Set(), asked: false, lastLines: 0, lastText: 0 });
    this.ui = {
      example: null,
      chosen: null,
      hover: null,
      path: null,
      tab: "lens",
      lines: "w",
      low: "delta",
      pen: 1,
      showTest: true,
      discrete: false,
      drawing,
      file: null,
      hidden: [],
      lock: false,
      questions: [],
      wish: { hidden: [], lock: false, questions: [] },
    };
    this.colours = new Colours(document.body, () => this.recolour());
    this.heat = new Heat(this.colours);
    this.session = new Session(machine, parts, settings);
    this.player = new Player(this.session, () => this.played());
    this.plane = new Plane(this);
    this.net = new NetView(this);
    this.bar = new Bar(this);
    this.data = new DataPanel(this);
    this.dock = new Dock(this);
    this.figures = new Figures(this);
    this.renewed(OF_POINTS);
    this.watchSizes();
  }

  watchSizes() {
    const observer = new ResizeObserver(() => {
      forgetSizes();
      this.net.place();
      this.data.paintTiles();
      this.touch(...PAINTINGS);
    });
    for (const id of ["net", "plane", "curves"]) observer.observe(byId(id));
  }

  // settings

  /** Change settings; what cannot be is said, and the page is as it was. */
  change(changes) {
    const { session } = this;
    const names = Object.keys(changes);
    const points = names.some((name) => OF_POINTS.includes(name));
    const { grid } = session;
    if (points) session.grid = null; // others are looked at from now on
    try {
      session.change(changes);
    } catch (error) {
      session.grid = grid;
      this.tell(error.message);
      this.touch("settings");
      return;
    }
    this.renewed(names);
  }

  /** The session has begun anew, or goes on with other settings. */
  renewed(names) {
    const { session, ui } = this;
    if (names.some((name) => OF_POINTS.includes(name))) this.plane.look();
    if (names.some((name) => OF_DATA.includes(name)))
      Object.assign(ui, { example: null, chosen: null });
    this.test = new Set(session.split.test);
    const { sizes } = session.net;
    if (String(sizes) !== String(this.sizes)) {
      Object.assign(this, { sizes, walk: new Walk(sizes) });
      ui.chosen = ui.hover = ui.path = null;
    }
    this.walk.forget();
    this.net.build();
    this.touch(...PAINTINGS);
    this.onsettings?.();
  }

  /** Begin with these settings, all others being as at first. */
  start({ settings, drawing }) {
    this.choose(null);
    this.ui.drawing = drawing;
    this.session.grid = null;
    this.session.start(changed(this.parts, DEFAULTS, settings));
    this.renewed(OF_POINTS);
  }

  /** Begin with other weights, drawn from the next seed. */
  drawAnew() {
    const { seed, start } = this.session.state;
    this.change({ start: (start ?? seed) + 1 });
  }

  reset() {
    this.pause();
    this.session.reset();
    this.renewed(["features"]);
  }

  addPoint(point) {
    const { points, classes: before, names } = this.session.data;
    const classes = before && [...before, this.ui.pen];
    this.change({
      data: "own",
      own: { points: [...points, point], classes, names: names ?? [] },
    });
  }

  // training

  play(on = !this.player.playing) {
    if (on && this.walk.walking) this.walk.toEnd();
    if (on) this.player.play();
    else this.pause();
    this.touch("settings", "lens", "lines");
  }

  pause() {
    if (this.player.playing) this.player.pause();
  }

  /** Something was trained. */
  played() {
    const { session } = this;
    if (session.failed) this.tell(session.failed);
    this.walk.forget();
    this.touch("maps", "plane", "live");
    if (!this.player.playing) this.touch("lines", "curves", "numbers", "settings");
  }

  train(train) {
    this.pause();
    train(this.session);
    this.played();
    this.touch("lens");
  }

  // the lens

  get P() {
    return this.session.training.vector("P");
  }

  nameOf({ layer, unit, k }) {
    return nameOf(this.parts, k === -1 ? "b" : "w", { layer, unit: unit + 1, index: k + 1 });
  }

  weightOf({ layer, unit, k }) {
    return this.P[placeOf(this.sizes, layer, unit, k)];
  }

  setWeight(chosen, number) {
    if (Number.isFinite(number)) this.put(this.nameOf(chosen), number);
  }

  /** Give a parameter a number; throws where there is none of that name. */
  put(name, number) {
    this.session.put(name, number);
    this.walk.forget();
    this.touch(...PAINTINGS);
  }

  unitName(layer, unit) {
    if (layer < this.sizes.length - 1) return `unit ${unit + 1} of layer ${layer}`;
    return this.sizes.at(-1) > 1 ? `output unit ${unit + 1}` : "output unit";
  }

  activationOf(layer) {
    const { net } = this.session;
    return net.activations[layer - 1] ?? net.end.split(" ")[1];
  }

  inputSymbol(layer, unit) {
    return layer ? numberSymbol("a", layer, unit) : featureSymbol(this.session.state.features[unit]);
  }

  /** All numbers of the example of now, anew. */
  trace() {
    const { example } = this.ui;
    this.numbers = example === null ? null : this.numbersAt(example);
  }

  numbersAt(k) {
    const { session } = this;
    const label = this.targetOf(k);
    const score = session.classes && session.head.units === 1 && label === 0;
    return numbersOf(session.trace(session.data.points[k], label), this.sizes, score ? session.head.low : label);
  }

  /** "classes", "curve" or "surface": what is learned. */
  get kind() {
    return learnedBy(this.session.state);
  }

  /** The class of a point, or what the function is there. */
  targetOf(k) {
    const { points, classes } = this.session.data;
    return classes ? classes[k] : points[k].at(-1);
  }

  /** The colour of a point: that of its class, or of the sign of its number. */
  colourOf(k) {
    const target = this.targetOf(k);
    return Heat.variable(this.session.classes ? target : Number(target > 0));
  }

  /** Choose an example, or none. */
  choose(k) {
    const { ui, walk } = this;
    if (k === null) Object.assign(ui, { example: null, chosen: null });
    if (k === null || ui.example === null) walk.toEnd();
    if (k !== null) Object.assign(ui, { example: k, tab: "lens" });
    walk.forget();
    this.trace();
    if (k === null) walk.guess(false);
    else if (walk.guessing) this.guess(true);
    this.net.place();
    this.touch("lines", "lens", "plane");
  }

  /** The training example with the largest loss. */
  worst() {
    const { session } = this;
    const losses = session.split.train.map((k) => session.trace(session.data.points[k], this.targetOf(k)).loss);
    return session.split.train[losses.indexOf(Math.max(...losses))] ?? 0;
  }

  another(step) {
    const count = this.session.data.points.length;
    const { example } = this.ui;
    this.choose(example === null ? 0 : (example + step + count) % count);
  }

  /** Choose a unit, a weight or the loss: of the example, or of the one with the largest loss. */
  select(chosen) {
    if (this.ui.example === null) this.choose(this.worst());
    if (this.walk.walking && !this.walk.guessing) this.walk.toEnd();
    Object.assign(this.ui, { chosen, path: null, tab: "lens" });
    this.touch("lines", "lens");
  }

  /** Go to a step of the pass. */
  go(k) {
    if (this.ui.example === null) return;
    this.pause();
    this.walk.go(k);
    const { kind, layer, unit } = this.walk.step;
    const chosen = layer ? { kind: "unit", layer, unit } : { kind: "loss" };
    Object.assign(this.ui, { chosen, path: null, tab: "lens" });
    this.tell(layer ? `${kind}, ${this.unitName(layer, unit)}` : kind === "x" ? "the example" : "the loss");
    this.touch("lines", "lens", "numbers");
  }

  guess(on) {
    if (on && this.ui.example === null) this.choose(this.worst());
    this.pause();
    this.trace();
    this.walk.guess(on);
    if (on) this.go(this.walk.at);
    else this.walk.toEnd();
    this.touch("lines", "lens");
  }

  answer(sign) {
    const { chosen } = this.ui;
    if (chosen?.kind !== "unit" || !this.numbers) return;
    const { layer, unit } = chosen;
    const delta = this.numbers.delta[layer][unit];
    this.walk.answer(layer, unit, sign, delta);
    const right = this.walk.said(layer, unit);
    this.tell(right === null ? `delta = ${numeral(delta)}` : right ? "Right." : "Not so.");
    this.touch("lines", "lens");
  }

  /** One thing after the other: the pass, the choice, the example. */
  escape() {
    const { ui, walk } = this;
    if (walk.guessing) this.guess(false);
    else if (walk.walking) walk.toEnd();
    else if (ui.chosen) ui.chosen = null;
    else this.choose(null);
    this.touch("lines", "lens");
  }

  point(hover) {
    this.ui.hover = hover;
    this.touch("plane", "lines", "labels");
  }

  lookAtPath(path) {
    this.ui.path = path;
    this.touch("lines", "labels");
  }

  show(tab) {
    this.ui.tab = tab;
    this.touch("lens");
  }

  // painting

  tell(text) {
    say(byId("say"), text);
  }

  /** Dark or light, whatever the system prefers. */
  theme(dark) {
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    this.colours.forget();
    this.recolour();
  }

  recolour() {
    this.heat.forget();
    this.plane.forget();
    this.data.paintTiles();
    this.touch(...PAINTINGS);
  }

  touch(...names) {
    for (const name of names) this.dirty.add(name);
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame((now) => this.frame(now));
  }

  frame(now) {
    this.asked = false;
    const { dirty, ui } = this;
    if (dirty.delete("live")) {
      if (now - this.lastLines > LINES_EVERY) {
        for (const name of ["lines", "curves", "numbers"]) dirty.add(name);
        this.lastLines = now;
      }
      if (now - this.lastText > TEXT_EVERY && (ui.example !== null || ui.tab === "code")) {
        dirty.add("lens");
        this.lastText = now;
      }
    }
    const due = new Set(PAINTINGS.filter((name) => dirty.has(name)));
    dirty.clear();
    this.paint(due);
  }

  /** Paint these parts now. */
  paint(due = new Set(PAINTINGS)) {
    if (due.has("maps")) this.net.paintMaps();
    if (due.has("plane")) this.plane.paint();
    if (due.has("curves")) this.figures.paintCurves(); // asks for sizes: before anything has moved
    if (due.has("lens")) {
      this.trace();
      this.net.paintNumbers();
      this.dock.paint();
    }
    if (due.has("lens") || due.has("labels")) this.net.lines.paintLabels();
    if (due.has("lines") || due.has("lens")) this.net.lines.paint();
    if (due.has("numbers")) {
      this.figures.paintNumbers();
    }
    if (due.has("settings")) {
      this.bar.paint();
      this.data.paint();
    }
  }
}
