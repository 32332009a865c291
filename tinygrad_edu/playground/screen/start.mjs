// The page starts: its parts are read, its link is followed, and `window.tinygrad` is there.

import { Machine } from "../../export/page/run/machine.mjs";
import { unpacked } from "../../export/page/run/words.mjs";
import { App } from "./app.mjs";
import { byId } from "./elements.mjs";
import { handleOf } from "./handle.mjs";
import { listenToKeys } from "./keyboard.mjs";
import { followLink, linkOf, openLink, settingsOf } from "./pagelink.mjs";

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
  const app = new App(machine, parts, settingsOf(parts, linked()));
  followLink(app, linked());
  listenToKeys(app);
  if (location.protocol !== "about:") keepAddress(app); // which is a frame's, without an address
  window.addEventListener("hashchange", () => openLink(app, linked()));
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
