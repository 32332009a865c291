// The parameters as pictures: a block is a matrix, a number a square, blue above 0 and orange below.

import { shown } from "./curves.mjs";

const SIDE = 220; // pixels that a picture has at most, in either direction

export class Weights {
  /** `chosen(place)` is called with the place in P of a number that was clicked. */
  constructor(container, colours, training, chosen) {
    Object.assign(this, { container, colours, training, place: null });
    const { plan } = training;
    this.nameOf = new Map(plan.names.map((name, k) => [plan.places[k], name]));
    this.blocks = plan.blocks.map((block) => this.picture(block, chosen));
  }

  picture(block, chosen) {
    const columns = block.n / block.rows;
    const cell = Math.max(1, Math.min(16, Math.floor(SIDE / Math.max(columns, block.rows))));
    const canvas = Object.assign(document.createElement("canvas"), {
      width: columns, height: block.rows, tabIndex: 0,
    });
    canvas.style.width = `${Math.min(cell * columns, 2 * SIDE)}px`;
    canvas.style.height = `${Math.min(cell * block.rows, 2 * SIDE)}px`;
    canvas.setAttribute("role", "img");
    const at = ({ offsetX, offsetY }) => {
      const column = Math.min(columns - 1, Math.floor((offsetX / canvas.clientWidth) * columns));
      const row = Math.min(block.rows - 1, Math.floor((offsetY / canvas.clientHeight) * block.rows));
      return block.at + Math.max(0, row) * columns + Math.max(0, column);
    };
    canvas.addEventListener("pointermove", (event) => { canvas.title = this.text(at(event)); });
    canvas.addEventListener("click", (event) => chosen(at(event)));
    canvas.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
      const inside = (this.place ?? -1) >= block.at && this.place < block.at + block.n;
      if (step === undefined && event.key !== "Enter") return;
      event.preventDefault();
      const to = inside ? this.place + (step ?? 0) : block.at;
      if (to >= block.at && to < block.at + block.n) chosen(to);
    });
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    figure.append(caption, canvas);
    this.container.append(figure);
    return { ...block, columns, canvas, caption };
  }

  /** What a number is called, and what it is: name, value, gradient. */
  text(place) {
    const value = this.training.vector("P")[place];
    const slope = this.training.vector("G")[place];
    return `${this.nameOf.get(place)} = ${shown(value)}, gradient ${shown(slope)}`;
  }

  draw() {
    const [plus, minus, paper] = ["--plus", "--minus", "--paper"].map((name) => this.colours.parts(name));
    const P = this.training.vector("P");
    for (const { name, at, n, rows, columns, canvas, caption } of this.blocks) {
      let largest = 0;
      for (let k = at; k < at + n; k++) largest = Math.max(largest, Math.abs(P[k]));
      const image = new ImageData(columns, rows);
      for (let k = 0; k < n; k++) {
        const share = largest ? Math.min(1, Math.abs(P[at + k]) / largest) : 0;
        const to = P[at + k] < 0 ? minus : plus;
        to.forEach((full, c) => { image.data[4 * k + c] = paper[c] + share * (full - paper[c]); });
        image.data[4 * k + 3] = 255;
      }
      canvas.getContext("2d").putImageData(image, 0, 0);
      const size = rows > 1 ? `${rows} × ${columns}` : String(n);
      const text = `${name}, ${size}, up to ${shown(largest)}`;
      if (caption.textContent !== text) {
        caption.textContent = text;
        canvas.setAttribute("aria-label", `${text}; arrow keys choose a number`);
      }
    }
  }
}
