// The bar: play, step, reset, and the settings of training.

import { lossesFor } from "../../net/state.mjs";
import { byId, copyText, element, renew, say } from "../elements.mjs";
import { linkOf } from "../pagelink.mjs";

const PLAY = "M4 2.5v11l9-5.5z";
const PAUSE = "M4 3h3v10H4zM9 3h3v10H9z";

const RATES = [0.00001, 0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];
const BATCHES = [1, 5, 10, 30, 100, null];
const STRENGTHS = [0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];
const DROPOUTS = [0, 0.1, 0.2, 0.3, 0.5];
const WRITTEN = {
  sgd: "SGD",
  adagrad: "Adagrad",
  rmsprop: "RMSprop",
  adam: "Adam",
  adamw: "AdamW",
  momentum: "Momentum",
  l1: "L1",
  l2: "L2",
  none: "none",
};

const written = (value) => {
  if (value === null) return "all";
  return typeof value === "number" ? String(value) : (WRITTEN[value] ?? value.replaceAll("_", " "));
};

export class Bar {
  constructor(app) {
    this.app = app;
    const { parts, session } = app;
    this.choices = {
      rate: RATES,
      optimizer: Object.keys(parts.optimizers),
      batch: BATCHES,
      penalty: ["none", ...Object.keys(parts.penalties)],
      strength: STRENGTHS,
      dropout: DROPOUTS,
      loss: lossesFor(parts, session.classes),
    };
    for (const name of Object.keys(this.choices)) {
      byId(name).onchange = (event) => app.change({ [name]: JSON.parse(event.target.value) });
    }
    byId("play").onclick = () => app.play();
    byId("step").onclick = () => app.train((it) => it.step(1));
    byId("reset").onclick = () => app.reset();
    byId("fresh").onclick = () => app.drawAnew();
    byId("fewer").onclick = () => app.change({ hidden: app.session.state.hidden.slice(0, -1) });
    byId("more").onclick = () =>
      app.change({ hidden: [...app.session.state.hidden, app.session.state.hidden.at(-1) ?? 4] });
    byId("theme").onclick = () => this.otherTheme();
    byId("link").onclick = (event) => {
      const link = `#${linkOf(app)}`;
      const own = location.protocol !== "about:"; // which is a frame's, without an address
      if (own) history.replaceState(null, "", link);
      copyText(own ? location.href : link, event.currentTarget);
    };
  }

  otherTheme() {
    const { theme } = document.documentElement.dataset;
    this.app.theme(theme ? theme !== "dark" : !matchMedia("(prefers-color-scheme: dark)").matches);
  }

  paint() {
    const { app } = this;
    const { state } = app.session;
    say(byId("playText"), app.player.playing ? "Pause" : "Play");
    byId("playIcon").setAttribute("d", app.player.playing ? PAUSE : PLAY);
    this.choices.loss = lossesFor(app.parts, app.session.classes);
    for (const [name, values] of Object.entries(this.choices)) this.paintChoice(byId(name), values, state[name]);
    byId("loss").value = JSON.stringify(this.lossNow());
    byId("strength").disabled = app.ui.lock || state.penalty === "none";
    byId("dropout").disabled = app.ui.lock || !state.hidden.length;
  }

  /** The loss that is used: that of the settings, if there is one for so many classes. */
  lossNow() {
    const { state } = this.app.session;
    return this.choices.loss.includes(state.loss) ? state.loss : this.choices.loss[0];
  }

  /** The options of a choice; a value that is none of them, from a link, becomes one. */
  paintChoice(select, values, value) {
    const all = values.includes(value) || select.id === "loss" ? values : [...values, value];
    const key = JSON.stringify(all);
    if (select.dataset.all !== key) {
      select.dataset.all = key;
      renew(
        select,
        all.map((x) => element("option", { value: JSON.stringify(x) }, written(x))),
      );
    }
    select.value = JSON.stringify(value);
  }
}
