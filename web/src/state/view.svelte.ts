/** What the viewer shows and how: pictures to compare, place and scale, display, exposure and gamma. */
import { get } from "../engine/client";
import type { ColorChoices, DisplayShader, Rect } from "../engine/types";
import type { Channel, Comparison } from "../viewer/screen";

export interface Side {
  /** plate, result, element, matte, or a layer's name. */
  show: string;
  /** A take's number; null is the shot as it is now. */
  take: number | null;
}

export class View {
  a = $state<Side>({ show: "result", take: null });
  b = $state<Side>({ show: "plate", take: null });
  comparison = $state<Comparison>("a");
  channel = $state<Channel>("RGB");
  exposure = $state(0);
  gamma = $state(1);
  wipe = $state(0);
  center = $state<[number, number]>([0, 0]);
  /** Device pixels for one plate pixel. */
  zoom = $state(1);
  fitted = $state(true);
  /** The size of the canvas in device pixels. */
  size = $state<[number, number]>([1, 1]);
  color = $state.raw<ColorChoices | null>(null);
  display = $state("");
  look = $state("");
  /** The shader of a display and view, and their names; it follows `display` and `look` when it has arrived. */
  shader = $state.raw<{ display: string; look: string; program: DisplayShader } | null>(null);
  /** The pixel under the pointer, in plate pixels. */
  pointer = $state<[number, number] | null>(null);

  constructor(private readonly path: string) {}

  async loadColor(): Promise<void> {
    this.color = await get<ColorChoices>("/v1/ui/color", { shot: this.path });
    if (!this.display) await this.show(this.color.default.display, this.color.default.view);
  }

  async show(display: string, look: string): Promise<void> {
    const views = this.color?.displays.find((other) => other.name === display)?.views ?? [];
    [this.display, this.look] = [display, views.includes(look) ? look : (views[0] ?? "")];
    const query = { shot: this.path, display: this.display, view: this.look };
    const program = await get<DisplayShader>("/v1/ui/shader", query);
    if (query.display === this.display && query.view === this.look) this.shader = { display: query.display, look: query.view, program };
  }

  /** Show all of the plate. */
  fit(display: Rect, aspect: number): void {
    this.place(display, aspect, 1);
    this.fitted = true;
  }

  /** Show a rectangle of plate pixels with a margin around it. */
  place([x, y, width, height]: Rect, aspect: number, margin: number): void {
    const panes = this.comparison === "side" ? 2 : 1;
    const [w, h] = [this.size[0] / panes, this.size[1]];
    this.zoom = Math.max(Math.min(w / (width * aspect), h / height) / margin, 0.02);
    this.center = [x + width / 2, y + height / 2];
    this.fitted = false;
  }

  oneToOne(): void {
    this.zoom = 1;
    this.center = [Math.round(this.center[0]), Math.round(this.center[1])];
    this.fitted = false;
  }

  /** Scale around a plate pixel, which keeps its place. */
  scale(factor: number, around: [number, number] = this.center): void {
    const zoom = Math.min(Math.max(this.zoom * factor, 0.02), 64);
    const ratio = this.zoom / zoom;
    this.center = [
      around[0] + (this.center[0] - around[0]) * ratio,
      around[1] + (this.center[1] - around[1]) * ratio,
    ];
    this.zoom = zoom;
    this.fitted = false;
  }

  /** Move the picture by device pixels. */
  pan(dx: number, dy: number, aspect: number): void {
    this.center = [this.center[0] - dx / this.zoom / aspect, this.center[1] - dy / this.zoom];
    this.fitted = false;
  }

  /** The plate position of a point of the canvas, in device pixels. */
  toPlate(x: number, y: number, aspect: number): [number, number] {
    const pane = this.comparison === "side" ? Math.floor(this.size[0] / 2) : this.size[0];
    const inside = this.comparison === "side" && x > pane ? x - pane : x;
    return [
      this.center[0] + (inside - Math.floor(pane / 2)) / (this.zoom * aspect),
      this.center[1] + (y - Math.floor(this.size[1] / 2)) / this.zoom,
    ];
  }

  /** The point of the canvas, in device pixels, that shows a plate position (in the left pane). */
  toCanvas(x: number, y: number, aspect: number): [number, number] {
    const pane = this.comparison === "side" ? Math.floor(this.size[0] / 2) : this.size[0];
    return [
      (x - this.center[0]) * this.zoom * aspect + Math.floor(pane / 2),
      (y - this.center[1]) * this.zoom + Math.floor(this.size[1] / 2),
    ];
  }

  /** The coarsest proxy whose pixels are not larger than the screen's. */
  proxy(): 1 | 2 | 4 {
    if (this.zoom <= 0.25) return 4;
    return this.zoom <= 0.5 ? 2 : 1;
  }
}
