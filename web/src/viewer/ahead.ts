/** Fetches pictures that are likely wanted next, two at a time, as long as nothing newer is likely. */

const LANES = 2;

export class Ahead {
  private queue: (() => Promise<void>)[] = [];
  private running = 0;

  /** Fetch these, in their order, instead of what was to be fetched before. */
  next(fetches: (() => Promise<void>)[]): void {
    this.queue = fetches;
    while (this.running < LANES && this.queue.length) void this.lane();
  }

  private async lane(): Promise<void> {
    this.running += 1;
    for (let fetch = this.queue.shift(); fetch; fetch = this.queue.shift()) {
      await fetch().catch(() => undefined); // the viewer says what is wrong when it stands on that frame
    }
    this.running -= 1;
  }
}
