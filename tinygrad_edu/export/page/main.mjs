// A page: its training is read, its controls wait, and `window.tinygrad` is there.

import { Controls } from "./controls.mjs";
import { Machine } from "./run/machine.mjs";
import { Training } from "./run/training.mjs";
import { recordOf, unpacked } from "./run/words.mjs";

const textOf = (id) => document.getElementById(id).textContent;

/** What tests and teachers hold on to: see `to_page`. */
function handle(training, controls) {
  const { player } = controls;
  return Object.freeze({
    get epoch() { return training.epoch; },
    get losses() { return [...training.losses]; },
    get testLosses() { return [...training.testLosses]; },
    get names() { return [...training.names]; },
    get parameters() { return training.parameters; },
    step(epochs = 1) {
      training.step(epochs);
      controls.show();
    },
    play: () => player.play(),
    pause: () => player.pause(),
    reset() {
      player.pause();
      controls.reset();
      controls.show();
    },
    set(name, value) {
      training.set(name, value);
      controls.show();
    },
  });
}

try {
  const plan = await recordOf(textOf("training"));
  const training = new Training(await Machine.start(await unpacked(textOf("machine"))), plan);
  window.tinygrad = handle(training, new Controls(training));
  document.documentElement.dataset.ready = "";
} catch (error) {
  const advice = "This browser does not run the page; try one of 2024 or later";
  document.getElementById("failed").textContent = `${advice}: ${error.message}`;
  throw error;
}
