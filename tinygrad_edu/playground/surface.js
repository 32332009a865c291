// A square of colours with an SVG over it; `clicked` tells where it is clicked.
export default {
  render({ model, el }) {
    const canvas = document.createElement("canvas");
    const over = document.createElement("div");
    Object.assign(canvas, { role: "img", ariaLabel: model.get("label") });
    el.append(canvas, over);
    const paint = () => {
      const { buffer, byteOffset, byteLength } = model.get("pixels");
      const side = Math.sqrt(byteLength / 4);
      if (!side) return;
      canvas.width = canvas.height = side;
      const colours = new Uint8ClampedArray(buffer, byteOffset, byteLength);
      canvas.getContext("2d").putImageData(new ImageData(colours, side, side), 0, 0);
    };
    const write = () => { over.innerHTML = model.get("svg"); };
    paint();
    write();
    model.on("change:pixels", paint);
    model.on("change:svg", write);
    el.addEventListener("click", (event) => {
      const box = canvas.getBoundingClientRect();
      model.set("clicked", [
        (event.clientX - box.left) / box.width,
        (event.clientY - box.top) / box.height,
      ]);
      model.save_changes();
    });
  },
};
