/**
 * Decides when the screen is drawn, how finely, and which part of it.
 *
 * A graphics card draws everything within a frame of the monitor. Without one, the display's transform takes the processor about a
 * tenth of a second for a viewer of half a million pixels, time that the engine needs too. So the painter measures: where drawing
 * is slow, what is new is drawn with coarser pixels and finely as soon as it rests, and a slider's new picture only where it differs.
 */
import type { Picture } from "../engine/pictures";
import type { Rect } from "../engine/types";
import type { Look, Screen } from "./screen";

/** The longest time for a new picture, in ms. */
const BUDGET = 40;
/** How long a picture must rest before it is drawn finely, in ms, beside the time that this takes. */
const REST = 160;
/** Pictures that follow each other within this time are a movement, in ms: the next one is waited for. */
const MOVING = 1000;
const COARSEST = 4;
const SIDES = ["a", "b"] as const;

interface Drawn {
  look: Look;
  size: [number, number];
}

export class Painter {
  private look: Look | null = null;
  private request = 0;
  private timer = 0;
  private asked = -MOVING;
  /** The time between the last two looks, in ms; 0 where they are no movement. */
  private pace = 0;
  private rested = false;
  /** What the canvas shows as finely as it can. */
  private fine: Drawn | null = null;
  /** The last times of whole fine pictures, in ms for one pixel; the first after a new shader is that of its compilation. */
  private costs: number[] = [];
  private unmeasured = 1;

  constructor(
    private readonly screen: Screen,
    private readonly canvas: HTMLCanvasElement,
    /** Called after a look was drawn. */
    private readonly drawn: (look: Look, fine: boolean) => void,
  ) {}

  /** Show a look from the next frame of the monitor on. */
  show(look: Look): void {
    const now = performance.now();
    const since = now - this.asked;
    this.pace = since < MOVING ? since : 0;
    this.asked = now;
    this.rested = false;
    this.look = look;
    this.schedule();
  }

  /** The shader is another one: nothing on the canvas is as it would be drawn now. */
  forget(): void {
    this.fine = null;
    this.costs = [];
    this.unmeasured = 1;
    if (this.look) this.schedule();
  }

  stop(): void {
    cancelAnimationFrame(this.request);
    window.clearTimeout(this.timer);
  }

  private schedule(): void {
    if (!this.request) this.request = requestAnimationFrame(() => this.paint());
  }

  private paint(): void {
    this.request = 0;
    window.clearTimeout(this.timer);
    const look = this.look;
    if (!look) return;
    const size: [number, number] = [this.canvas.width, this.canvas.height];
    const before = this.fine && same(this.fine.size, size) ? this.fine.look : null;
    if (before && sameBut(before, look) && SIDES.every((side) => before[side].patch === look[side].patch)) {
      this.drawn(look, true);
      return;
    }
    const part = before && changedPart(before, look, size);
    const grain = part || this.rested ? 1 : this.grain();
    this.screen.draw(look, { grain, part });
    this.fine = grain === 1 ? { look, size } : null;
    if (grain > 1) this.timer = window.setTimeout(() => this.refine(), Math.max(REST + this.whole(), 1.5 * this.pace));
    else if (!part) this.measure(size);
    this.drawn(look, grain === 1);
  }

  private refine(): void {
    this.rested = true;
    this.schedule();
  }

  private grain(): number {
    let grain = 1;
    while (grain < COARSEST && this.whole() / grain ** 2 > BUDGET) grain *= 2;
    return grain;
  }

  /** How long a whole fine picture takes, in ms; 0 where that is not known. */
  private whole(): number {
    return this.costs.length ? Math.min(...this.costs) * this.canvas.width * this.canvas.height : 0;
  }

  private measure([width, height]: [number, number]): void {
    this.screen.finished((ms) => {
      if (this.unmeasured > 0) this.unmeasured -= 1;
      else this.costs = [...this.costs.slice(-2), ms / (width * height)];
    });
  }
}

/** The part of the canvas in which two looks differ, in device pixels, where they differ in the patch over a picture alone. */
export function changedPart(before: Look, now: Look, [width, height]: [number, number]): Rect | null {
  if (now.comparison === "side" || !sameBut(before, now)) return null;
  const sides = now.comparison === "a" || now.comparison === "b" ? ([now.comparison] as const) : SIDES;
  const changed = sides.filter((side) => before[side].patch !== now[side].patch);
  const patches = changed.flatMap((side) => [before[side].patch, now[side].patch]);
  if (!patches.length || patches.some((patch) => patch === null)) return null;
  const boxes = patches.map((patch) => box(patch!, now, width, height));
  const left = Math.max(Math.min(...boxes.map(([x]) => x)), 0);
  const top = Math.max(Math.min(...boxes.map(([, y]) => y)), 0);
  const right = Math.min(Math.max(...boxes.map(([, , x]) => x)), width);
  const bottom = Math.min(Math.max(...boxes.map(([, , , y]) => y)), height);
  return right > left && bottom > top ? [left, top, right - left, bottom - top] : null;
}

/** Whether two looks are the same apart from their patches. */
function sameBut(before: Look, now: Look): boolean {
  const names = ["comparison", "channel", "zoom", "pixelAspect", "wipe", "exposure", "gamma"] as const;
  if (names.some((name) => before[name] !== now[name]) || !same(before.center, now.center)) return false;
  return SIDES.every((side) => before[side].base === now[side].base && before[side].data === now[side].data);
}

/** The place of a patch on the canvas: left, top, right, bottom in device pixels, with a margin for filtering. */
function box({ header }: Picture, look: Look, width: number, height: number): Rect {
  const [x, y] = [header.data[0] * header.proxy, header.data[1] * header.proxy];
  const [w, h] = [header.width * header.proxy, header.height * header.proxy];
  const across = (at: number) => (at - look.center[0]) * look.zoom * look.pixelAspect + Math.floor(width / 2);
  const down = (at: number) => (at - look.center[1]) * look.zoom + Math.floor(height / 2);
  const bounds = [Math.floor(across(x)) - 2, Math.floor(down(y)) - 2, Math.ceil(across(x + w)) + 2, Math.ceil(down(y + h)) + 2];
  return bounds as Rect;
}

function same(one: [number, number], other: [number, number]): boolean {
  return one[0] === other[0] && one[1] === other[1];
}
