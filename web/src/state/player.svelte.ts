/** Playback at the shot's rate: the clock chooses the frame, the cache must have its picture. */

export interface Stage {
  first: number;
  last: number;
  rate: number;
  /** Frames that have a picture to play. */
  playable(frame: number): boolean;
  /** Whether a frame's pictures are in the cache. */
  has(frame: number): boolean;
  /** Show a frame if its pictures are in the cache. */
  show(frame: number): boolean;
  /** Fetch a frame's pictures into the cache. */
  fetch(frame: number): Promise<void>;
}

/** How many frames are fetched ahead, and how many at the same time: a browser opens six connections for all its tabs. */
const AHEAD = 16;
const LANES = 2;

export class Player {
  /** Frames to move per tick of the shot's rate: 0 stands, negative plays backwards. */
  speed = $state(0);
  /** Pictures shown in the last second. */
  rate = $state(0);
  private frame = 0;
  private due = 0;
  private times: number[] = [];
  private fetching = new Set<number>();
  private failed = new Set<number>();

  constructor(
    private readonly stage: () => Stage | null,
    private readonly moved: (frame: number) => void,
  ) {}

  get playing(): boolean {
    return this.speed !== 0;
  }

  /** L and J: play forwards or backwards; again, faster up to eight times. */
  push(direction: 1 | -1, frame: number): void {
    const faster = Math.sign(this.speed) === direction ? Math.min(Math.abs(this.speed) * 2, 8) : 1;
    const stood = !this.playing;
    this.speed = faster * direction;
    if (!stood) return;
    this.frame = frame;
    this.due = performance.now();
    this.times = [];
    this.failed.clear();
    requestAnimationFrame((now) => this.tick(now));
  }

  stop(): void {
    this.speed = 0;
    this.rate = 0;
  }

  private tick(now: number): void {
    const stage = this.stage();
    if (!stage || !this.playing) return;
    this.fill(stage);
    const next = this.next(stage, this.frame);
    if (next === null) {
      this.stop();
      return;
    }
    if (now >= this.due && stage.show(next)) {
      this.frame = next;
      this.moved(next);
      // After a wait for a picture the clock starts anew, instead of running after what was missed.
      this.due = Math.max(this.due + 1000 / stage.rate, now - 1000 / stage.rate);
      this.times = [...this.times.filter((time) => now - time < 1000), now];
      this.rate = this.times.length;
    }
    requestAnimationFrame((later) => this.tick(later));
  }

  private next(stage: Stage, frame: number): number | null {
    const count = stage.last - stage.first + 1;
    for (let step = 1; step <= count; step += 1) {
      const moved = frame - stage.first + this.speed * step;
      const found = stage.first + (((moved % count) + count) % count);
      if (stage.playable(found) && !this.failed.has(found)) return found;
    }
    return null;
  }

  private fill(stage: Stage): void {
    let frame: number | null = this.frame;
    for (let step = 0; step < AHEAD && this.fetching.size < LANES; step += 1) {
      frame = this.next(stage, frame);
      if (frame === null) return;
      if (!stage.has(frame)) this.fetch(stage, frame);
    }
  }

  private fetch(stage: Stage, frame: number): void {
    if (this.fetching.has(frame)) return;
    this.fetching.add(frame);
    // A frame that cannot be read is left out; the viewer says why when it stands on that frame.
    void stage
      .fetch(frame)
      .catch(() => this.failed.add(frame))
      .finally(() => this.fetching.delete(frame));
  }
}
