// The keys of the page.

export function listenToKeys(app) {
  const keys = {
    " ": () => app.play(),
    s: () => app.train((session) => session.step(1)),
    b: () => app.train((session) => session.advance(1)),
    r: () => app.reset(),
    w: () => app.drawAnew(),
    g: () => app.guess(!app.walk.guessing),
    c: () => app.show(app.ui.tab === "code" ? "lens" : "code"),
    ",": () => app.go(app.walk.at - 1),
    ".": () => app.go(app.walk.walking ? app.walk.at + 1 : 0),
    Home: () => app.go(0),
    End: () => app.go(app.walk.steps.length - 1),
    "[": () => app.another(-1),
    "]": () => app.another(1),
    "+": () => app.answer(1),
    "=": () => app.answer(1),
    "-": () => app.answer(-1),
    0: () => app.answer(0),
    Escape: () => app.escape(),
  };
  document.addEventListener("keydown", (event) => {
    const { target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.matches("select, textarea, input[type=number]")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (!Object.hasOwn(keys, key)) return;
    if (key === " " && target.matches("button, input")) return; // it presses what has the focus
    if (target.matches("input[type=range]") && /^(Home|End|-|\+)$/.test(key)) return;
    event.preventDefault();
    keys[key]();
  });
}
