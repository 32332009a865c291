// The page starts: its parts are read, its link is followed, and `window.tinygrad` is there.

import { Machine } from "../../export/page/machine.mjs";
import { unpacked } from "../../export/page/words.mjs";
import { App } from "./app.mjs";
import { byId } from "./elements.mjs";
import { listenToKeys } from "./keyboard.mjs";
import { followLink, settingsOf } from "./pagelink.mjs";

const packed = (id) => unpacked(byId(id).textContent);
const parts = JSON.parse(new TextDecoder().decode(await packed("parts")));
const machine = await Machine.start(await packed("machine"));
const preset = byId("preset").textContent.trim();
const linked = () => location.hash.slice(1) || preset;

const opening = settingsOf(parts, linked());
const app = new App(machine, parts, opening.settings);
app.ui.drawing = opening.drawing;
if (opening.drawing) app.renewed(["own"]);
followLink(app, linked());
listenToKeys(app);

window.addEventListener("hashchange", () => {
  app.player.pause();
  app.choose(null);
  const { settings, drawing } = settingsOf(parts, linked());
  app.ui.drawing = drawing;
  app.start(settings);
  followLink(app, linked());
});

/** What tests and teachers hold on to: as on every page with a training. */
window.tinygrad = Object.freeze({
  get epoch() {
    return app.session.training.epoch;
  },
  get losses() {
    return [...app.session.training.losses];
  },
  get testLosses() {
    return [...app.session.training.testLosses];
  },
  get names() {
    return [...app.session.training.names];
  },
  get parameters() {
    return app.session.training.parameters;
  },
  step: (epochs = 1) => app.train((session) => session.step(epochs)),
  play: () => app.play(true),
  pause: () => app.play(false),
  reset: () => app.reset(),
  set(name, value) {
    if (name === "lr") app.change({ rate: value });
    else app.put(name, value);
  },
  get example() {
    return app.numbers;
  },
});
app.paint();
document.documentElement.dataset.ready = "";
