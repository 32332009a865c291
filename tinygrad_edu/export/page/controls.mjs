// The controls of a page with one training: buttons, fields, numbers, pictures.

import { Colours } from "./colours.mjs";
import { drawCurves, shown } from "./curves.mjs";
import { Player } from "./run/player.mjs";
import { Weights } from "./weights.mjs";

const $ = (id) => document.getElementById(id);
const percent = (x) => (x === undefined ? "·" : `${(100 * x).toFixed(1)} %`);

export class Controls {
  constructor(training) {
    this.training = training;
    this.player = new Player(training, () => this.show());
    this.colours = new Colours(document.body, () => this.show());
    this.weights = new Weights($("weights"), this.colours, training, (place) => this.choose(place));
    this.facts();
    this.listen();
    this.show();
  }

  /** What does not change: sizes, names. */
  facts() {
    const { plan, n, batches, measure } = this.training;
    const { model, optimizer, loss } = plan;
    const batch = batches > 1 ? `batches of ${plan.size}` : "the whole batch";
    const held = measure ? `, ${measure.n.toLocaleString("en")} test rows` : "";
    $("facts").textContent = `${document.title === model ? "" : `${model} · `}${loss} · ${optimizer} · `
      + `${n.toLocaleString("en")} training rows in ${batch}${held}`;
    $("lr").value = String(plan.rate);
    $("batch").hidden = batches === 1;
    for (const id of ["accuracyPart", "accuracyRow"]) $(id).hidden = !plan.head;
    for (const cell of document.querySelectorAll(".test")) cell.hidden = !measure;
  }

  listen() {
    const { training, player } = this;
    const did = (work) => () => { player.pause(); work(); this.show(); };
    $("play").addEventListener("click", () => (player.playing ? player.pause() : player.play()));
    $("batch").addEventListener("click", did(() => training.advance(1)));
    $("step").addEventListener("click", did(() => training.step(1)));
    $("reset").addEventListener("click", did(() => this.reset()));
    $("speed").addEventListener("change", () => { player.speed = Number($("speed").value); });
    $("lr").addEventListener("change", () => this.attempt("lr", $("lr")));
    $("value").addEventListener("change", () => this.attempt(this.name, $("value")));
    document.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.show()).observe($("loss"));
  }

  reset() {
    this.training.reset();
    $("lr").value = String(this.training.rate);
  }

  key(event) {
    if (event.target.matches("input, select, button") || event.ctrlKey || event.metaKey || event.altKey) return;
    const id = { " ": "play", s: "step", b: "batch", r: "reset" }[event.key.toLowerCase()];
    if (id && !$(id).hidden) {
      event.preventDefault();
      $(id).click();
    }
  }

  /** Set what a field says, or show again what there is. */
  attempt(name, field) {
    try {
      this.training.set(name, field.value === "" ? NaN : Number(field.value));
      field.setCustomValidity("");
    } catch (error) {
      field.setCustomValidity(error.message);
      field.reportValidity();
    }
    this.show();
  }

  /** Choose the number at a place of P: it is named, and can be changed. */
  choose(place) {
    this.weights.place = place;
    this.name = this.weights.nameOf.get(place);
    $("chosen").hidden = false;
    this.show();
  }

  show() {
    const { training, player, weights } = this;
    const { losses, testLosses, accuracies, testAccuracies } = training;
    $("play").textContent = player.playing ? "Pause" : "Play";
    $("epoch").textContent = training.epoch.toLocaleString("en");
    $("batchNumber").textContent = training.batch ? `+ ${training.batch} of ${training.batches} batches` : "";
    const last = { lossNow: losses, testLossNow: testLosses };
    for (const [id, numbers] of Object.entries(last)) $(id).textContent = shown(numbers.at(-1));
    $("accuracyNow").textContent = percent(accuracies.at(-1));
    $("testAccuracyNow").textContent = percent(testAccuracies.at(-1));
    $("failed").textContent = training.failed
      ? `Stopped: ${training.failed}, at a rate of ${training.rate}. The parameters are those of before; `
        + "try a smaller rate."
      : "";
    drawCurves($("loss"), this.colours, [[testLosses, "--soft", true], [losses, "--ink", false]]);
    if (training.plan.head) {
      const lines = [[testAccuracies, "--soft", true], [accuracies, "--ink", false]];
      drawCurves($("accuracy"), this.colours, lines, { range: [0, 1], label: (x) => `${Math.round(100 * x)} %` });
    }
    weights.draw();
    if (training.schedule && document.activeElement !== $("lr")) $("lr").value = String(training.rate);
    if (weights.place !== null) {
      $("chosenName").textContent = weights.text(weights.place);
      if (document.activeElement !== $("value")) $("value").value = String(training.vector("P")[weights.place]);
    }
  }
}
