// One slider and one box for each weight; `moved` tells what the user moves, and nothing else.
const STEPS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };
export default {
  render({ model, el }) {
    const rows = new Map();
    let held = null;
    const tell = (name, number) => {
      if (!Number.isFinite(number)) return;
      model.set("moved", [name, number, Date.now()]);
      model.save_changes();
    };
    const add = (name) => {
      const [slider, box] = ["range", "number"].map((type) =>
        Object.assign(document.createElement("input"), { type, step: "0.01", ariaLabel: name }));
      slider.addEventListener("input", () => { held = slider; tell(name, slider.valueAsNumber); });
      slider.addEventListener("change", () => { held = null; });
      slider.addEventListener("keydown", (event) => {  // JupyterLab keeps the arrow keys to itself
        if (!(event.key in STEPS)) return;
        event.preventDefault();
        slider.stepUp(STEPS[event.key]);
        tell(name, slider.valueAsNumber);
      });
      box.addEventListener("change", () => tell(name, box.valueAsNumber));
      const row = document.createElement("div");
      row.append(Object.assign(document.createElement("span"), { textContent: name }), slider, box);
      rows.set(name, [slider, box]);
      el.append(row);
    };
    const show = () => {
      const numbers = model.get("numbers"), names = Object.keys(numbers);
      if (names.join() !== [...rows.keys()].join()) {
        rows.clear();
        el.replaceChildren();
        names.forEach(add);
      }
      for (const [name, [slider, box]] of rows) {
        const number = numbers[name], reach = Math.max(5, Math.ceil(Math.abs(number)));
        Object.assign(slider, { min: -reach, max: reach });
        if (slider !== held) slider.value = number;
        if (box !== document.activeElement) box.value = Number(number.toPrecision(5));
      }
    };
    show();
    model.on("change:numbers", show);
  },
};
