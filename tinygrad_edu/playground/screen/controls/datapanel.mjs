// The data: sets, noise, test share, points by hand, a file that is dropped in; the features.

import { FEATURES, FUNCTIONS, pointsOf, SETS, SURFACES } from "../../net/data.mjs";
import { isCounted } from "../../net/state.mjs";
import { pointsFrom } from "./csv.mjs";
import { byId, drawn, element, fillSlider, renew, say, segments } from "../elements.mjs";
import { cleared, Heat } from "../pictures/heat.mjs";
import { squareAround } from "../pictures/plane.mjs";
import { featureSymbol, percentage } from "../symbols.mjs";

const ICONS = { draw: "M14 4v20M4 14h20", file: "M14 19V5M9 10l5-5 5 5M5 23h18" };
/** Two points to begin with, one of each class. */
const BLANK = {
  points: [
    [-1, 0],
    [1, 0],
  ],
  classes: [0, 1],
  names: [],
};
const BLANK_FUNCTION = { ...BLANK, classes: null };
/** What can be learned: its data sets, the first one and the features to begin with. */
const KINDS = {
  classes: [SETS, "moons", ["x1", "x2"]],
  curve: [FUNCTIONS, "sine", ["x1"]],
  surface: [SURFACES, "plane", ["x1", "x2"]],
};
/** How a set looks on its tile. */
const SAMPLE = { n: 66, noise: 0.06, seed: 3 };

export class DataPanel {
  constructor(app) {
    this.app = app;
    const names = [...Object.keys({ ...SETS, ...FUNCTIONS, ...SURFACES }), "draw", "file"];
    this.tiles = names.map((name) => this.tileOf(name));
    renew(
      byId("tiles"),
      this.tiles.map(({ tile }) => tile),
    );
    for (const name of ["n", "noise", "share", "classes"])
      byId(name).oninput = (event) => app.change({ [name]: Number(event.target.value) });
    byId("seed").onclick = () => {
      const { seed, start } = app.session.state;
      app.change({ seed: seed + 1, start: start ?? seed }); // the weights stay
    };
    byId("file").onchange = (event) => {
      this.read(event.target.files[0]);
      event.target.value = "";
    };
    byId("file").oncancel = () => app.touch("settings");
    byId("clear").onclick = () => app.change({ data: "own", own: this.blank });
    renew(
      byId("features"),
      Object.keys(FEATURES).map((name) =>
        element(
          "button",
          {
            class: "chip",
            "aria-label": name,
            "data-name": name,
            onclick: () => this.feature(name),
          },
          featureSymbol(name),
        ),
      ),
    );
    this.watchDrops();
  }

  tileOf(name) {
    const canvas = ICONS[name] ? null : element("canvas");
    const icon =
      ICONS[name] &&
      drawn("svg", { viewBox: "0 0 28 28", "aria-hidden": "true" }, drawn("path", { d: ICONS[name] }));
    const input = element("input", {
      type: "radio",
      name: "data",
      value: name,
      onchange: () => this.chosen(name),
      onclick: () => {
        if (name === "file") byId("file").click();
      },
    });
    return {
      name,
      canvas,
      input,
      tile: element(
        "label",
        { class: "tile" },
        input,
        canvas ?? element("span", { class: "face" }, icon),
        { draw: "draw", file: "CSV …" }[name] ?? name,
      ),
    };
  }

  chosen(name, others = {}) {
    const { app } = this;
    if (name === "file") return;
    Object.assign(app.ui, { drawing: name === "draw", file: null, pen: 1 });
    app.change(name === "draw" ? { data: "own", own: this.blank } : { data: name, ...others });
  }

  get blank() {
    return this.app.kind === "curve" ? BLANK_FUNCTION : BLANK;
  }

  feature(name) {
    const { features } = this.app.session.state;
    const wanted = features.includes(name) ? features.filter((other) => other !== name) : [...features, name];
    if (wanted.length)
      this.app.change({ features: Object.keys(FEATURES).filter((other) => wanted.includes(other)) });
  }

  watchDrops() {
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      const [file] = event.dataTransfer.files;
      if (file && !this.app.ui.lock) this.read(file);
    });
  }

  async read(file) {
    if (file) this.take(await file.text(), file.name);
  }

  /** The points of a text; what is wrong with it is said. */
  take(text, name) {
    const { app } = this;
    let own;
    try {
      own = pointsFrom(text);
    } catch (error) {
      app.tell(error.message);
      say(byId("dataNote"), error.message);
      app.touch("settings");
      return;
    }
    say(byId("dataNote"), "");
    Object.assign(app.ui, { drawing: false, file: name, pen: 1 });
    app.change({ data: "own", own });
  }

  paintTiles() {
    const { colours, heat } = this.app;
    for (const { name, canvas } of this.tiles) {
      if (!canvas) continue;
      const [pen, width, height] = cleared(canvas);
      if (!width) continue; // not offered now
      const { points, classes } = pointsOf(name, SAMPLE.n, name === "blobs" ? 0.7 : SAMPLE.noise, SAMPLE.seed);
      const { left, high, right } = squareAround(points);
      const scale = (Math.min(width, height) - 6) / (right - left);
      points.forEach(([x1, x2], k) => {
        pen.beginPath();
        pen.arc(width / 2 + (x1 - (left + right) / 2) * scale, 3 + (high - x2) * scale, 1.4, 0, 7);
        pen.fillStyle = Object.hasOwn(SURFACES, name)
          ? heat.inkOf(points[k][2], { factor: 1, shift: 0 })
          : colours.of(Heat.variable(classes ? classes[k] : Number(x2 > 0)));
        pen.fill();
      });
    }
  }

  get kind() {
    const { session, ui } = this.app;
    return session.state.data !== "own" ? session.state.data : ui.drawing ? "draw" : "file";
  }

  paint() {
    const { session, ui } = this.app;
    const { state } = session;
    const own = state.data === "own";
    const { kind: learned } = this.app;
    const [sets] = KINDS[learned];
    for (const { name, input, tile } of this.tiles) {
      input.checked = name === this.kind;
      tile.hidden = !Object.hasOwn(sets, name) && !(ICONS[name] && (name === "file" || learned !== "surface"));
    }
    renew(
      byId("learned"),
      segments(
        Object.keys(KINDS).map((kind) => [kind, kind]),
        learned,
        (kind) => {
          const [, name, features] = KINDS[kind];
          this.chosen(name, { features });
        },
      ),
    );
    const texts = {
      n: own ? session.data.points.length : state.n,
      noise: state.noise.toFixed(2),
      share: percentage(state.share).replace(".0", ""),
      classes: state.classes,
    };
    for (const [name, text] of Object.entries(texts)) {
      byId(name).value = state[name];
      fillSlider(byId(name));
      say(byId(`${name}Now`), text);
    }
    for (const name of ["n", "noise", "seed"]) byId(name).disabled = own;
    byId("classes").closest(".slide").hidden = !isCounted(state);
    say(byId("seedNow"), state.seed);
    for (const chip of byId("features").children)
      chip.setAttribute("aria-pressed", String(state.features.includes(chip.dataset.name)));
    for (const chip of byId("features").children) chip.hidden = learned === "curve" && chip.dataset.name.includes("x2");
    byId("pens").hidden = !ui.drawing;
    byId("pen").hidden = learned === "curve";
    if (ui.drawing) this.paintPens();
    this.lock();
  }

  paintPens() {
    const { ui } = this.app;
    renew(
      byId("pen"),
      [0, 1, 2].map((label) => {
        const dot = element("i", { class: "dot" });
        dot.style.background = `var(${Heat.variable(label)})`;
        return element(
          "button",
          {
            "aria-pressed": String(ui.pen === label),
            "data-key": `pen ${label}`,
            onclick: () => {
              ui.pen = label;
              this.app.touch("settings");
            },
          },
          dot,
          `class ${label}`,
        );
      }),
    );
  }

  /** A teacher has locked the settings. */
  lock() {
    if (!this.app.ui.lock) return;
    const controls = ".data input, .data button, .settings select, .settings button, .head select, .head button";
    for (const control of document.querySelectorAll(controls)) control.disabled = true;
  }
}
