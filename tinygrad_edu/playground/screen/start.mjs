// The page starts: its parts are read, its link is followed, and `window.tinygrad` is there.

import { Machine } from "../../export/page/machine.mjs";
import { unpacked } from "../../export/page/words.mjs";
import { App } from "./app.mjs";
import { byId } from "./elements.mjs";
import { handleOf } from "./handle.mjs";
import { listenToKeys } from "./keyboard.mjs";
import { followLink, openLink, settingsOf } from "./pagelink.mjs";

const packed = (id) => unpacked(byId(id).textContent);

async function start() {
  const parts = JSON.parse(new TextDecoder().decode(await packed("parts")));
  const machine = await Machine.start(await packed("machine"));
  const preset = byId("page").dataset.preset;
  const linked = () => location.hash.slice(1) || preset;
  const app = new App(machine, parts, settingsOf(parts, linked()));
  followLink(app, linked());
  listenToKeys(app);
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
