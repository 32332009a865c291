// The player: training while frames pass, at a chosen speed, without making a frame late.

const BUDGET = 12; // milliseconds of a frame that training may take

export class Player {
  /** `shown` is called after each frame in which something was trained, and when play ends. */
  constructor(training, shown) {
    Object.assign(this, { training, shown, playing: false, speed: 1, due: 0, batchTime: 4 });
  }

  play() {
    if (this.playing) return;
    Object.assign(this, { playing: true, due: 0 });
    const frame = () => {
      if (!this.playing) return;
      this.due = this.speed === Infinity ? Infinity : Math.min(this.due, 1) + this.speed;
      if (!this.train()) this.playing = false;
      this.shown();
      if (this.playing) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    this.shown();
  }

  pause() {
    this.playing = false;
    this.shown();
  }

  /** The epochs that are due, or what the frame has time for; false where a step failed. */
  train() {
    const { training } = this;
    const until = performance.now() + BUDGET;
    while (this.due >= 1) {
      const begun = performance.now();
      if (begun >= until) return true;
      const batches = Math.max(1, Math.floor((until - begun) / this.batchTime));
      const at = training.batch;
      const complete = training.advance(batches);
      const made = (complete ? training.batches : training.batch) - at;
      this.batchTime = Math.max(1e-4, (performance.now() - begun) / Math.max(1, made));
      if (training.failed) return false;
      if (complete) this.due -= 1;
    }
    return true;
  }
}
