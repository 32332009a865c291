// What stands at `window.tinygrad`: what tests and teachers hold on to, as on every page with a training, and by which
// a notebook that has this page in a frame reads and changes it.

import { programOf } from "./dock/codepanel.mjs";
import { byId } from "./elements.mjs";
import { linkOf, openLink } from "./pagelink.mjs";

export function handleOf(app) {
  let around; // whether it is dark around a frame
  return Object.freeze({
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
    /** All numbers of the pass of the example, or null. */
    get example() {
      return app.numbers;
    },
    get playing() {
      return app.player.playing;
    },
    get settings() {
      return app.session.state;
    },
    /** Units of inputs and layers, and how many classes there are, 0 for a function. */
    get sizes() {
      return app.session.net.sizes;
    },
    get classes() {
      return app.session.classes;
    },
    get code() {
      return programOf(app);
    },
    /** The state, to the last digit, for `open`. */
    get link() {
      return linkOf(app, { digits: 17 });
    },
    get height() {
      return byId("page").getBoundingClientRect().height;
    },
    open: (link) => openLink(app, link),
    step: (epochs = 1) => app.train((session) => session.step(epochs)),
    play: () => app.play(true),
    pause: () => app.play(false),
    reset: () => app.reset(),
    change: (settings) => app.change(settings),
    set(name, value) {
      if (name === "lr") app.change({ rate: value });
      else app.put(name, value);
    },
    /** The page is in a frame, as high as it likes, and it is dark around it or not. */
    framed(dark) {
      document.documentElement.dataset.framed = "";
      if (dark === around) return;
      around = dark;
      app.theme(dark);
    },
  });
}
