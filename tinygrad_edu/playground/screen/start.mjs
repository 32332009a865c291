// The page starts: its parts are read, its link is followed, and `window.tinygrad` is there.

import { Machine } from "../../export/page/run/machine.mjs";
import { unpacked } from "../../export/page/run/words.mjs";
import { App } from "./app.mjs";
import { byId } from "./elements.mjs";
import { listenToKeys } from "./keyboard.mjs";
import { followLink, linkOf, settingsOf } from "./pagelink.mjs";

/** What tests and teachers hold on to: as on every page with a training; `example` are all numbers of its pass. */
const handleOf = (app) =>
  Object.freeze({
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
    get example() {
      return app.numbers;
    },
    step: (epochs = 1) => app.train((session) => session.step(epochs)),
    play: () => app.play(true),
    pause: () => app.play(false),
    reset: () => app.reset(),
    set(name, value) {
      if (name === "lr") app.change({ rate: value });
      else app.put(name, value);
    },
  });

/** The settings stand in the address, so that a page that is loaded again has them; not at once, as sliders move. */
function keepAddress(app) {
  let waiting = null;
  app.onsettings = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => history.replaceState(null, "", `#${linkOf(app)}`), 400);
  };
}

const packed = (id) => unpacked(byId(id).textContent);

async function start() {
  const parts = JSON.parse(new TextDecoder().decode(await packed("parts")));
  const machine = await Machine.start(await packed("machine"));
  const preset = byId("page").dataset.preset;
  const linked = () => location.hash.slice(1) || preset;
  const opening = settingsOf(parts, linked());
  const app = new App(machine, parts, opening);
  followLink(app, linked());
  listenToKeys(app);
  keepAddress(app);
  window.addEventListener("hashchange", () => {
    app.pause();
    app.start(settingsOf(parts, linked()));
    followLink(app, linked());
  });
  window.tinygrad = handleOf(app);
  app.paint();
  document.documentElement.dataset.ready = "";
}

try {
  await start();
} catch (error) {
  const advice = "This browser does not run the page; try one of 2024 or later";
  byId("dataNote").textContent = `${advice}: ${error.message}`;
  throw error;
}
